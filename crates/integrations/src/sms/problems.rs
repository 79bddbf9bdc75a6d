//! Why an SMS does not go.

use crate::problem::problems;

problems! {
    KEY_MISSING "sms_key_missing" Account
    "Не указан api_id сервиса sms.ru."
    "Возьмите его в кабинете sms.ru, раздел API, и сохраните."
    "The api_id of sms.ru is absent."
    "Take it from sms.ru's cabinet, section API, and save it."

    KEY_REFUSED "sms_key_refused" Account
    "sms.ru не принял api_id."
    "Скопируйте api_id заново; проверьте, не ограничен ли он адресами серверов."
    "sms.ru refuses the api_id."
    "Copy it again; see whether it is limited to certain server addresses."

    NO_MONEY "sms_no_money" Account
    "На счёте sms.ru кончились деньги."
    "Пополните счёт; неотправленное отправьте заново."
    "The account at sms.ru is empty."
    "Top it up, then send again what did not go."

    NOT_CONFIRMED "sms_account_not_confirmed" Account
    "Учётная запись sms.ru не подтверждена."
    "Введите в кабинете код из регистрационной SMS."
    "The account at sms.ru is not confirmed."
    "Enter the code of its registration SMS in the cabinet."

    SENDER_REFUSED "sms_sender_refused" Account
    "Имя отправителя не согласовано."
    "Согласуйте имя в кабинете sms.ru или уберите его из настроек."
    "The sender's name is not approved."
    "Have it approved in sms.ru's cabinet, or take it out of the settings."

    ADDRESS_INVALID "sms_number_invalid" Message
    "Это не номер телефона."
    "Нужен российский мобильный номер: +79001234567 или 8 900 123-45-67."
    "This is no phone number."
    "Give a Russian mobile number: +79001234567 or 8 900 123-45-67."

    FOREIGN "sms_number_foreign" Message
    "Номер не российский: sms.ru на такие не отправляет, а цена была бы другой."
    "Отправьте ссылку в мессенджер или скопируйте её покупателю."
    "The number is not Russian: it would not go, or at quite another price."
    "Send the link by a messenger, or copy it to the payer."

    NOT_MOBILE "sms_number_not_mobile" Message
    "Это городской номер, SMS на него не придёт."
    "Попросите мобильный: он начинается с +79."
    "This is a landline: no SMS arrives there."
    "Ask for a mobile number; it begins with +79."

    NUMBER_REFUSED "sms_number_refused" Address
    "sms.ru не отправляет на этот номер."
    "Проверьте номер; если он верен, спросите sms.ru или отправьте ссылку другим путём."
    "sms.ru does not send to this number."
    "Look at the number; if it is right, ask sms.ru or send the link another way."

    STOP_LIST "sms_stop_list" Address
    "Номер в стоп-листе вашего кабинета sms.ru."
    "Уберите его оттуда, если человек снова согласен получать сообщения."
    "The number is on the stop list of your cabinet at sms.ru."
    "Take it off the list if the person agrees to messages again."

    NUMBER_LIMIT "sms_number_limit" Message
    "На этот номер сегодня отправлено больше, чем разрешено в кабинете sms.ru."
    "Отправьте ссылку другим путём или завтра; пределы — в кабинете, раздел «Безопасность»."
    "More was sent to this number today than sms.ru's cabinet allows."
    "Send the link another way, or tomorrow; the limits are in the cabinet, under security."

    TEXT_REFUSED "sms_text_refused" Message
    "sms.ru не принял текст."
    "Сократите название магазина или разрешите больше частей (max_parts)."
    "sms.ru refuses the text."
    "Shorten the shop's name, or allow more parts (max_parts)."

    NO_LINK "sms_no_link" Message
    "У платежа нет ссылки."
    "Дождитесь, пока банк её создаст, или посмотрите, почему платёж не открылся."
    "The payment has no link."
    "Wait until the bank has made it, or see why the payment did not open."

    LINK_LONG "sms_link_long" Message
    "Ссылка длиннее восьми SMS."
    "Задайте короткий публичный адрес сервера: ссылки начинаются с него."
    "The link is longer than eight SMS."
    "Give the server a short public address: links begin with it."

    REFUSED "sms_refused" Message
    "sms.ru отказал."
    "Код и слова sms.ru — рядом; по ним ответит его поддержка."
    "sms.ru refuses."
    "Its code and words stand beside; its support answers by them."
}
