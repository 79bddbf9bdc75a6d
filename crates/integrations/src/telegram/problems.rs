//! Why Telegram does not carry a message.

use crate::problem::problems;

problems! {
    TOKEN_MALFORMED "telegram_token_malformed" Account
    "Токен бота не похож на токен Telegram."
    "Скопируйте его целиком из сообщения @BotFather: число, двоеточие и 35 знаков."
    "This is not a Telegram bot's token."
    "Copy all of it from @BotFather's message: a number, a colon and 35 characters."

    TOKEN_REFUSED "telegram_token_refused" Account
    "Telegram не принял токен бота."
    "Возьмите действующий токен у @BotFather (/mybots → API Token) и сохраните его заново."
    "Telegram refuses the bot's token."
    "Take the current token from @BotFather (/mybots, API Token) and save it again."

    ADDRESS_INVALID "telegram_address_invalid" Message
    "Это не адрес в Telegram."
    "Нужен номер чата (его даёт нажатие «Старт» по ссылке привязки) или @имя канала. Бот не может \
     написать человеку по его @имени или телефону."
    "This is not an address in Telegram."
    "Give a chat's number (pressing Start at the binding link tells it) or a channel's @name. A \
     bot cannot write to a person by @name or phone."

    CHAT_UNKNOWN "telegram_chat_unknown" Address
    "Telegram не знает такого чата: человек ещё не нажал «Старт», или это чат другого бота."
    "Дайте покупателю ссылку привязки и попросите нажать «Старт»; канал или группу — добавьте бота."
    "Telegram knows no such chat: nobody pressed Start yet, or it is another bot's chat."
    "Give the payer the binding link and ask to press Start; to a channel or group, add the bot."

    BLOCKED "telegram_blocked" Address
    "Человек заблокировал бота."
    "Больше туда не пишем. Отправьте ссылку другим путём; снова можно, когда человек нажмёт \
     «Старт»."
    "The person has blocked the bot."
    "Nothing more is sent there. Send the link another way; Start pressed anew opens the chat."

    GONE "telegram_account_gone" Address
    "Учётная запись в Telegram удалена."
    "Отправьте ссылку другим путём."
    "The Telegram account is deleted."
    "Send the link another way."

    NOT_ALLOWED "telegram_not_allowed" Address
    "Боту нельзя писать в этот чат."
    "Верните бота в группу или канал и дайте право отправлять сообщения."
    "The bot may not write to this chat."
    "Bring the bot back to the group or channel and allow it to send messages."

    REFUSED "telegram_refused" Message
    "Telegram не принял сообщение."
    "Слова Telegram — рядом. Если они о ссылке: её адрес должен быть публичным https."
    "Telegram refuses the message."
    "Telegram's words stand beside. If they are about the link: its address must be public https."
}
