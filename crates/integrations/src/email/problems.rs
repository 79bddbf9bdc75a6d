//! Why a letter does not go.

use crate::problem::problems;

problems! {
    HOST_MISSING "email_host_missing" Account
    "Не указан сервер исходящей почты."
    "Запишите его имя в host: smtp.yandex.ru, smtp.mail.ru или свой."
    "The outgoing mail server is absent."
    "Write its name into host: smtp.yandex.ru, smtp.mail.ru or your own."

    SETTINGS_INVALID "email_settings_invalid" Account
    "Настройка почты записана неверно; её имя рядом."
    "host — имя без https://, port — число, tls — starttls, tls или none."
    "A mail setting is wrong; its name stands beside."
    "host is a name without https://, port a number, tls is starttls, tls or none."

    FROM_INVALID "email_from_invalid" Account
    "В from или reply_to нет верного адреса."
    "Запишите pay@example.ru или Школа <pay@example.ru>; обычно это адрес самого ящика."
    "There is no good address in from or reply_to."
    "Write pay@example.ru or School <pay@example.ru>; mostly it is the mailbox itself."

    LOGIN_INCOMPLETE "email_login_incomplete" Account
    "Из логина и пароля почты указано одно."
    "Укажите user и password вместе или ни одного, если сервер пускает без них."
    "Of the mail login and password one is absent."
    "Give user and password together, or neither where the server asks for none."

    PASSWORD_IN_CLEAR "email_password_in_clear" Account
    "Без шифрования пароль почты увидел бы каждый по пути."
    "Выберите tls = starttls или tls; none годится только для своего сервера без пароля."
    "Without encryption anybody on the way would read the mail password."
    "Choose tls = starttls or tls; none is for a relay of your own that asks for no password."

    NO_TLS "email_no_tls" Account
    "Почтовый сервер на этом порту не шифрует."
    "Для порта 465 выберите tls = tls; для 587 — starttls; иначе спросите хозяина сервера."
    "The mail server does not encrypt on this port."
    "For port 465 choose tls = tls, for 587 starttls; else ask whoever runs the server."

    CERTIFICATE "email_certificate" Account
    "Сертификат почтового сервера не подтверждён."
    "Проверьте имя в host; файл с сертификатом своего сервера назовите в net.extra_ca_file."
    "The mail server's certificate cannot be verified."
    "Look at the name in host; a certificate of your own is named in net.extra_ca_file."

    PASSWORD_REFUSED "email_password_refused" Account
    "Почтовый сервер не принял логин или пароль."
    "Большим почтам нужен пароль приложения, а не кабинета; проверьте, разрешён ли SMTP."
    "The mail server refuses the login or the password."
    "Big services want an app password, not the cabinet's; see whether SMTP is allowed there."

    LOGIN_NEEDED "email_login_needed" Account
    "Почтовый сервер требует логин."
    "Укажите user и password."
    "The mail server wants a login."
    "Give user and password."

    SENDER_REFUSED "email_sender_refused" Account
    "Почтовый сервер не отправляет от имени этого адреса."
    "В from обычно должен стоять адрес того же ящика, что и в user."
    "The mail server does not send in the name of this address."
    "Mostly from has to be the mailbox that user names."

    RELAY_DENIED "email_relay_denied" Account
    "Этот сервер не принимает от вас письма наружу."
    "Укажите user и password или разрешите на нём адрес этого сервера."
    "This server takes no letters to others from you."
    "Give user and password, or allow this server's address there."

    ADDRESS_INVALID "email_address_invalid" Message
    "Это не адрес почты."
    "Нужен адрес латиницей: name@example.ru."
    "This is no e-mail address."
    "Give one in Latin letters: name@example.ru."

    ADDRESS_UNKNOWN "email_address_unknown" Address
    "Такого почтового ящика нет."
    "Спросите адрес ещё раз: чаще всего в нём опечатка."
    "There is no such mailbox."
    "Ask for the address again: mostly it is misspelt."

    MAILBOX_FULL "email_mailbox_full" Message
    "Ящик получателя переполнен."
    "Отправьте ссылку другим путём или позже."
    "The recipient's mailbox is full."
    "Send the link another way, or later."

    CONTENT_REFUSED "email_content_refused" Message
    "Сервер не принял само письмо: счёл его спамом или слишком большим."
    "Проверьте SPF, DKIM и DMARC домена отправителя; слова сервера рядом."
    "The server refuses the letter itself: as spam, or as too large."
    "Look at SPF, DKIM and DMARC of the sender's domain; the server's words stand beside."

    NO_LINK "email_no_link" Message
    "У платежа нет ссылки."
    "Дождитесь, пока банк её создаст, или посмотрите, почему платёж не открылся."
    "The payment has no link."
    "Wait until the bank has made it, or see why the payment did not open."

    REFUSED "email_refused" Message
    "Почтовый сервер отказал."
    "Код и слова сервера — рядом; по ним ответит его поддержка."
    "The mail server refuses."
    "Its code and words stand beside; its support answers by them."
}
