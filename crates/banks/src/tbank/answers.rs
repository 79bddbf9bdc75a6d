//! The answers about saved cards and accounts, SBP and the terminal.

use crate::op::{
    AccountBinding, Answer, BindingStatus, CardBinding, CardKind, CardOp, Letter, Payer, Qr,
    QrForm, SavedCard, SbpBank, SbpOp, SbpRefund, TerminalMethods, TerminalOp, TerminalWord,
};

use super::{
    codes,
    fields::Fields,
    observation,
    reply::{Unreadable, seen},
};

pub fn of_card(op: &CardOp, fields: &Fields) -> Result<Answer, Unreadable> {
    Ok(match op {
        CardOp::AddPayer { .. } | CardOp::RemovePayer { .. } => Answer::Accepted { done: true },
        CardOp::ShowPayer { payer_id } => Answer::Payer(Payer {
            payer_id: fields.text("CustomerKey").unwrap_or_else(|| payer_id.clone()),
            email: fields.text("Email"),
            phone: fields.text("Phone"),
        }),
        CardOp::Bind { payer_id, .. } => {
            let binding = card_binding(fields, None)?;
            if binding.url.is_none() {
                return Err("it names no page");
            }
            let payer_id = binding.payer_id.clone().or_else(|| Some(payer_id.clone()));
            Answer::CardBinding(CardBinding { payer_id, ..binding })
        }
        CardOp::ShowBinding { request_key } => {
            Answer::CardBinding(card_binding(fields, Some(request_key))?)
        }
        // A success is a bare array, which was read before.
        CardOp::List { .. } => return Err("it lists no cards"),
        // `D` is the word for a removed card; an answer without it is a success all the same.
        CardOp::Remove { .. } => {
            let status = fields.text("Status");
            Answer::Accepted { done: status.is_none_or(|status| status == "D") }
        }
        CardOp::Charge { .. } => Answer::Payment(seen(fields)?),
    })
}

/// A reply or a notice about a card being saved.
pub fn card_binding(fields: &Fields, asked: Option<&str>) -> Result<CardBinding, Unreadable> {
    let request_key = fields.text("RequestKey").or_else(|| asked.map(str::to_owned));
    let status = codes::parse_binding(&fields.text("Status").unwrap_or_default());
    let code = fields.text("ErrorCode").filter(|_| status == BindingStatus::Inactive);
    Ok(CardBinding {
        request_key: request_key.ok_or("it names no request")?,
        payer_id: fields.text("CustomerKey"),
        url: fields.text("PaymentURL"),
        status,
        card: observation::saved_card(fields),
        decline: code.and_then(|code| observation::decline(&code)),
    })
}

/// An item of `GetCardList`.
pub fn card(fields: &Fields) -> SavedCard {
    SavedCard {
        card_id: fields.text("CardId"),
        charge_id: fields.text("RebillId"),
        masked: fields.text("Pan").filter(|pan| pan.contains('*')),
        expires: fields.text("ExpDate"),
        is_active: fields.text("Status").map(|word| word == "A"),
        kind: match fields.text("CardType").as_deref() {
            Some("0") => Some(CardKind::Pays),
            Some("1") => Some(CardKind::Receives),
            Some("2") => Some(CardKind::Both),
            Some(_) | None => None,
        },
    }
}

pub fn of_sbp(op: &SbpOp, fields: &Fields) -> Result<Answer, Unreadable> {
    Ok(match op {
        SbpOp::Qr { asked, .. } | SbpOp::Bind { asked, .. } => Answer::Qr(qr(asked.form, fields)?),
        SbpOp::RefundBanks { .. } => {
            // The list is absent when a refund is impossible.
            let list = fields.list("Members").unwrap_or_default();
            Answer::SbpBanks(list.iter().filter_map(member).collect())
        }
        SbpOp::ShowRefund { .. } => {
            let word = fields.text("Status").unwrap_or_default();
            Answer::SbpRefund(SbpRefund {
                status: codes::parse_status(&word),
                code: fields.text("QrCancelCode"),
                message: fields.text("QrCancelMessage"),
                amount: fields.kopecks("Amount"),
            })
        }
        SbpOp::ShowBinding { request_key } => {
            Answer::AccountBinding(account_binding(fields, Some(request_key))?)
        }
        SbpOp::Accounts => {
            let list = fields.list("AccountTokens").unwrap_or_default();
            let accounts = list.iter().map(|item| account_binding(item, None));
            Answer::SavedAccounts(accounts.collect::<Result<_, _>>()?)
        }
        SbpOp::Charge { .. } => Answer::Payment(seen(fields)?),
        SbpOp::Banks { .. } => {
            let list = fields.list("BankList").or_else(|| fields.list("Banklist"));
            let list = list.ok_or("it lists no banks")?;
            let mut banks: Vec<&Fields> = list.iter().collect();
            banks.sort_by_key(|bank| {
                bank.text("BankOrder").and_then(|order| order.parse::<u32>().ok())
            });
            Answer::SbpBanks(banks.into_iter().filter_map(bank).collect())
        }
        SbpOp::PayTest { .. } => Answer::Accepted { done: true },
        SbpOp::Setup(_)
        | SbpOp::Code(_)
        | SbpOp::Desk(_)
        | SbpOp::Invoice(_)
        | SbpOp::Payments { .. }
        | SbpOp::StartRefund(_)
        | SbpOp::FindRefund { .. } => return Err("nothing was asked"),
    })
}

fn qr(form: QrForm, fields: &Fields) -> Result<Qr, Unreadable> {
    Ok(Qr {
        content: fields.text("Data").ok_or("it holds no code")?,
        form,
        request_key: fields.text("RequestKey"),
    })
}

fn member(fields: &Fields) -> Option<SbpBank> {
    Some(SbpBank {
        id: fields.text("MemberId")?,
        name: fields.text("MemberName").unwrap_or_default(),
        logo: None,
        is_payee: fields.flag("IsPayee").unwrap_or(false),
    })
}

fn bank(fields: &Fields) -> Option<SbpBank> {
    Some(SbpBank {
        id: fields.text("BankId")?,
        name: fields.text("BankName").unwrap_or_default(),
        logo: fields.text("BankLogo"),
        is_payee: false,
    })
}

/// A reply, an item of a list or a notice about an account being saved.
pub fn account_binding(fields: &Fields, asked: Option<&str>) -> Result<AccountBinding, Unreadable> {
    let request_key = fields.text("RequestKey").or_else(|| asked.map(str::to_owned));
    Ok(AccountBinding {
        request_key: request_key.ok_or("it names no request")?,
        status: codes::parse_binding(&fields.text("Status").unwrap_or_default()),
        account_token: fields.text("AccountToken"),
        member_id: fields.text("BankMemberId"),
        member_name: fields.text("BankMemberName"),
    })
}

pub fn of_terminal(op: &TerminalOp, fields: &Fields) -> Result<Answer, Unreadable> {
    let params = fields.object("Params").unwrap_or_default();
    let word = match op {
        TerminalOp::Methods => TerminalWord::Methods(methods(fields)),
        TerminalOp::TPayState => TerminalWord::TPay {
            is_allowed: params.flag("Allowed").ok_or("it says neither yes nor no")?,
            version: params.text("Version"),
        },
        TerminalOp::WalletLink { .. } => {
            let url = params.text("RedirectUrl").or_else(|| fields.text("Deeplink"));
            let url = url.ok_or("it names no link")?;
            TerminalWord::WalletLink { url, qr_url: params.text("WebQR") }
        }
        TerminalOp::WalletQr { .. } => return Err("it is no picture"),
        TerminalOp::ResendNotices => {
            let count = fields.text("Count").and_then(|count| count.parse().ok());
            TerminalWord::Resent { count }
        }
        TerminalOp::ConfirmationLetter { .. } => {
            let list = fields.list("PaymentIdList").unwrap_or_default();
            TerminalWord::Letters(list.iter().filter_map(letter).collect())
        }
        TerminalOp::ClosingReceipt { .. } => return Ok(Answer::Accepted { done: true }),
    };
    Ok(Answer::Terminal(word))
}

/// The document writes some members with a dot, `TerminalInfo.TokenRequired`.
fn methods(fields: &Fields) -> TerminalMethods {
    let info = fields.object("TerminalInfo").unwrap_or_default();
    let flag =
        |name: &str| info.flag(name).or_else(|| fields.flag(&format!("TerminalInfo.{name}")));
    let list = info.list("Paymethods").or_else(|| fields.list("TerminalInfo.Paymethods"));
    let list = list.unwrap_or_default();
    TerminalMethods {
        methods: list.iter().filter_map(|item| item.text("PayMethod")).collect(),
        saves_cards: flag("AddCardScheme"),
        needs_token: flag("TokenRequired"),
        needs_token_to_open: flag("InitTokenRequired"),
    }
}

fn letter(fields: &Fields) -> Option<Letter> {
    Some(Letter {
        bank_id: fields.text("PaymentId")?,
        is_taken: fields.flag("Success").unwrap_or(false),
        message: fields.text("Message").unwrap_or_default(),
    })
}
