//! A letter's HTML: tables and styles in attributes, since mail programs know little else; nothing
//! is loaded from outside, so that opening a letter tells nobody.

use kopeck_banks::http::html_escape;

use super::letter::Content;

const FONT: &str = "-apple-system,'Segoe UI',Roboto,Arial,sans-serif";
/// For programs that know it: the colours of a dark screen, and a narrow one.
const STYLE: &str = "\
@media (prefers-color-scheme:dark){\
.page{background:#14171a!important}.card{background:#1f2428!important}\
.ink{color:#f0f2f4!important}.faint,.faint a{color:#a3acb5!important}\
.line{border-color:#343b42!important}}\
@media (max-width:480px){.card{padding:24px 20px!important}.title{font-size:22px!important}\
.button{display:block!important}.qr{display:none!important}}";

/// `qr` is the picture's name within the letter.
pub(super) fn html(content: &Content<'_>, qr: &str) -> String {
    let Content { lang, shop, title, lines, .. } = content;
    let word = lang.pick("ru", "en");
    let (shop, title) = (html_escape(shop), html_escape(title));
    let mut rows = format!(
        "<p class=\"faint\" style=\"margin:0 0 20px;font-size:15px;line-height:20px;\
         color:#5b6672\">{shop}</p>\
         <h1 class=\"ink title\" style=\"margin:0 0 12px;font-size:26px;line-height:1.25;\
         font-weight:600;color:#14171a\">{title}</h1>"
    );
    for line in lines {
        rows.push_str(&format!(
            "<p class=\"ink\" style=\"margin:0 0 8px;font-size:16px;line-height:24px;\
             color:#2b3239;overflow-wrap:anywhere\">{}</p>",
            html_escape(line)
        ));
    }
    rows.push_str(&button(content));
    if content.has_qr {
        rows.push_str(&picture(content, qr));
    }
    format!(
        "<!DOCTYPE html><html lang=\"{word}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\
         <title>{title}</title><style>{STYLE}</style></head>\
         <body class=\"page\" style=\"margin:0;padding:0;background:#eef1f4\">\
         <table role=\"presentation\" class=\"page\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" style=\"background:#eef1f4;font-family:{FONT}\"><tr>\
         <td align=\"center\" style=\"padding:24px 12px\">\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
         style=\"max-width:560px\"><tr>\
         <td class=\"card\" style=\"background:#ffffff;border-radius:12px;padding:36px 40px\">\
         {rows}</td></tr><tr><td style=\"padding:20px 8px\">{}</td></tr></table>\
         </td></tr></table></body></html>",
        footer(content)
    )
}

fn button(content: &Content<'_>) -> String {
    let Some((url, label)) = &content.link else { return String::new() };
    let (url, label) = (html_escape(url), html_escape(label));
    let copy = content.lang.pick("Если кнопка не нажимается:", "If the button does nothing:");
    format!(
        "<div style=\"margin:24px 0 12px\"><a class=\"button\" href=\"{url}\" \
         style=\"display:inline-block;box-sizing:border-box;padding:14px 32px;border-radius:8px;\
         background:#1a6b3c;color:#ffffff;font-size:17px;line-height:22px;font-weight:600;\
         text-align:center;text-decoration:none\">{label}</a></div>\
         <p class=\"faint\" style=\"margin:0;font-size:13px;line-height:20px;color:#5b6672;\
         overflow-wrap:anywhere\">{copy} <a href=\"{url}\" style=\"color:#5b6672\">{url}</a></p>"
    )
}

/// Whoever reads on a phone has the button; the code is for those before a screen.
fn picture(content: &Content<'_>, qr: &str) -> String {
    let about = content.lang.pick(
        "Читаете на компьютере? Наведите на код камеру телефона.",
        "At a computer? Point your phone's camera at the code.",
    );
    let alt = content.lang.pick("QR-код ссылки", "The link's QR code");
    format!(
        "<table role=\"presentation\" class=\"qr line\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" style=\"margin-top:28px;border-top:1px solid #e3e7eb\"><tr>\
         <td width=\"148\" style=\"padding:24px 20px 0 0\"><img src=\"cid:{qr}\" alt=\"{alt}\" \
         width=\"148\" height=\"148\" style=\"display:block;background:#ffffff;border-radius:6px\">\
         </td><td class=\"faint\" style=\"padding-top:24px;font-size:15px;line-height:22px;\
         color:#5b6672\">{about}</td></tr></table>"
    )
}

fn footer(content: &Content<'_>) -> String {
    let small = "font-size:13px;line-height:20px;color:#5b6672";
    let mut text = String::new();
    for note in &content.notes {
        text.push_str(&format!(
            "<p class=\"faint\" style=\"margin:0 0 6px;{small}\">{}</p>",
            html_escape(note)
        ));
    }
    for (url, label) in &content.small {
        text.push_str(&format!(
            "<p class=\"faint\" style=\"margin:0 0 6px;{small}\"><a href=\"{}\" \
             style=\"color:#5b6672\">{}</a></p>",
            html_escape(url),
            html_escape(label)
        ));
    }
    text
}
