//! Buyers' addresses (tag 1008): shapes only, since whether one exists only its network knows.

/// One `@`, a user, a host with a point inside.
pub fn is_email(email: &str) -> bool {
    let has_both = email.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
    });
    has_both
        && email.matches('@').count() == 1
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// As E.164 has it: a country's code and a number, at most 15 digits; a Russian one has eleven.
/// Without a plus in front only as long a one as leaves no doubt.
pub fn is_phone(phone: &str) -> bool {
    let (least, digits) = phone.strip_prefix('+').map_or((10, phone), |digits| (7, digits));
    let is_russian = phone.starts_with("+7");
    (least..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (!is_russian || digits.len() == 11)
}

/// A phone as people write it in the one form that cash registers take: `+79001234567`. A Russian
/// number may begin with 8, 7 or 9; any other needs its plus. `None` when it is no phone.
pub fn normal_phone(text: &str) -> Option<String> {
    let is_mark = |c: &char| matches!(c, ' ' | '-' | '(' | ')' | '\u{a0}');
    let bare: String = text.trim().chars().filter(|c| !is_mark(c)).collect();
    if bare.starts_with('+') {
        return is_phone(&bare).then_some(bare);
    }
    if !bare.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match (bare.len(), bare.bytes().next()) {
        (11, Some(b'7' | b'8')) => bare.get(1..).map(|rest| format!("+7{rest}")),
        (10, Some(b'9')) => Some(format!("+7{bare}")),
        _ => None,
    }
}

/// 10 digits of a company, 12 of a person.
pub fn is_tax_code(code: &str) -> bool {
    matches!(code.len(), 10 | 12) && code.bytes().all(|b| b.is_ascii_digit())
}
