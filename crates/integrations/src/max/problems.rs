//! Why MAX does not carry a message.

use crate::problem::problems;

problems! {
    TOKEN_MISSING "max_token_missing" Account
    "Не указан токен бота MAX."
    "Возьмите его на business.max.ru: чат-боты, настройки бота."
    "The MAX bot's token is absent."
    "Take it from business.max.ru: chat-bots, the bot's settings."

    TOKEN_REFUSED "max_token_refused" Account
    "MAX не принял токен бота."
    "Скопируйте действующий токен на business.max.ru и сохраните заново."
    "MAX refuses the bot's token."
    "Copy the current token from business.max.ru and save it again."

    API_URL_WRONG "max_api_url_wrong" Account
    "По этому адресу нет API MAX."
    "Уберите api_url из настроек или проверьте адрес своего прокси."
    "MAX's API is not at this address."
    "Take api_url out of the settings, or look at your proxy's address."

    ADDRESS_INVALID "max_address_invalid" Message
    "Это не адрес в MAX."
    "Нужен номер пользователя (его даёт нажатие «Начать» по ссылке привязки) или chat: и номер \
     группы."
    "This is not an address in MAX."
    "Give a person's number (pressing Start at the binding link tells it), or chat: and a group's."

    CHAT_UNKNOWN "max_chat_unknown" Address
    "MAX не знает такого диалога: человек ещё не начал его с ботом."
    "Дайте покупателю ссылку привязки и попросите нажать «Начать»."
    "MAX knows no such dialogue: the person has not begun it with the bot."
    "Give the payer the binding link and ask to press Start."

    BLOCKED "max_blocked" Address
    "Диалог остановлен: человек заблокировал бота, или бот ещё не прошёл проверку."
    "Если так со всеми, дождитесь проверки бота на business.max.ru; если с одним, отправьте ссылку \
     другим путём."
    "The dialogue is suspended: the person blocked the bot, or the bot is not verified yet."
    "If it is so with everybody, wait for the bot's verification at business.max.ru; if with one, \
     send the link another way."

    NOT_ALLOWED "max_not_allowed" Address
    "Боту нельзя писать в этот чат."
    "Добавьте бота в группу и дайте право писать."
    "The bot may not write to this chat."
    "Add the bot to the group and let it write."

    REFUSED "max_refused" Message
    "MAX не принял сообщение."
    "Код MAX — рядом. Если он о кнопке: адрес ссылки должен быть публичным https."
    "MAX refuses the message."
    "Its code stands beside. If it is about the button: the link must be public https."
}
