//! Why GREEN-API does not carry a message.

use crate::problem::problems;

problems! {
    SETTINGS_MISSING "greenapi_settings_missing" Account
    "Не указан idInstance или apiTokenInstance."
    "Возьмите оба в кабинете GREEN-API и сохраните вместе с apiUrl."
    "idInstance or apiTokenInstance is absent."
    "Take both from GREEN-API's cabinet and save them with apiUrl."

    KEY_REFUSED "greenapi_key_refused" Account
    "GREEN-API не принял токен."
    "Скопируйте apiTokenInstance и apiUrl заново: у каждого инстанса свой адрес."
    "GREEN-API refuses the token."
    "Copy apiTokenInstance and apiUrl again: each instance has an address of its own."

    NOT_AUTHORIZED "greenapi_not_authorized" Account
    "Телефон не подключён."
    "Отсканируйте QR-код инстанса в кабинете GREEN-API."
    "The phone is not connected."
    "Scan the instance's QR code in GREEN-API's cabinet."

    NUMBER_BLOCKED "greenapi_number_blocked" Account
    "WhatsApp ограничил или закрыл номер."
    "Остановите отправку; для ссылок выберите другой путь."
    "WhatsApp has limited or closed the number."
    "Stop sending; choose another way for links."

    QUOTA "greenapi_quota" Account
    "Исчерпан тариф GREEN-API."
    "Смените тариф в кабинете: на тарифе «Разработчик» мало сообщений и чатов."
    "GREEN-API's plan is used up."
    "Change the plan in the cabinet: the developer's one has few messages and chats."

    ADDRESS_INVALID "greenapi_number_invalid" Message
    "Это не номер телефона."
    "Нужен номер с кодом страны: +79001234567."
    "This is no phone number."
    "Give a number with its country's code: +79001234567."

    REFUSED "greenapi_refused" Message
    "GREEN-API не принял сообщение."
    "Слова GREEN-API — рядом."
    "GREEN-API refuses the message."
    "Its words stand beside."
}
