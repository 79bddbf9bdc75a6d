//! Why Wazzup does not carry a message.

use crate::problem::problems;

problems! {
    SETTINGS_MISSING "wazzup_settings_missing" Account
    "Не указан ключ Wazzup или номер канала."
    "Ключ: личный кабинет, интеграция с CRM, API. Номер канала покажет список каналов."
    "Wazzup's key or the channel's id is absent."
    "The key: the cabinet, integration with a CRM, API. The list of channels shows the id."

    KEY_REFUSED "wazzup_key_refused" Account
    "Wazzup не принял ключ."
    "Скопируйте ключ API заново и сохраните."
    "Wazzup refuses the key."
    "Copy the API key again and save it."

    CHANNEL_UNKNOWN "wazzup_channel_unknown" Account
    "Такого канала в Wazzup нет."
    "Выберите канал из списка кабинета; после переподключения его номер другой."
    "Wazzup has no such channel."
    "Choose one of the cabinet's list; a channel connected anew has another id."

    CHANNEL_DOWN "wazzup_channel_down" Account
    "Канал не работает."
    "Откройте канал в кабинете Wazzup: обычно нужно заново отсканировать QR-код."
    "The channel is down."
    "Open it in Wazzup's cabinet: mostly the QR code has to be scanned anew."

    NO_MONEY "wazzup_no_money" Account
    "Канал не оплачен."
    "Оплатите подписку или пополните баланс WABA в кабинете Wazzup."
    "The channel is not paid for."
    "Pay the subscription, or top up the WABA balance in Wazzup's cabinet."

    LIMIT "wazzup_dialogue_limit" Message
    "Исчерпан предел новых диалогов канала."
    "Отправьте ссылку другим путём или увеличьте тариф."
    "The channel's limit of new dialogues is used up."
    "Send the link another way, or choose a larger plan."

    ADDRESS_INVALID "wazzup_number_invalid" Message
    "Это не номер телефона."
    "Нужен номер с кодом страны: +79001234567."
    "This is no phone number."
    "Give a number with its country's code: +79001234567."

    NO_WHATSAPP "wazzup_no_whatsapp" Address
    "Этого номера нет в WhatsApp."
    "Отправьте ссылку по SMS или другим путём."
    "The number is not in WhatsApp."
    "Send the link by SMS or another way."

    NOT_FIRST "wazzup_not_first" Address
    "Первым писать этому человеку нельзя: тариф Inbox, или прошло больше суток с его слов."
    "Попросите его написать первым, или отправьте ссылку другим путём."
    "One may not write first here: the plan Inbox, or more than a day since the person wrote."
    "Ask the person to write first, or send the link another way."

    SPAM "wazzup_spam" Account
    "WhatsApp счёл сообщение спамом."
    "Остановите отправку на сутки: следующая жалоба может стоить номера."
    "WhatsApp takes the message for spam."
    "Send nothing for a day: the next complaint may cost the number."

    REFUSED "wazzup_refused" Message
    "Wazzup не принял сообщение."
    "Код Wazzup — рядом; по нему ответит его поддержка."
    "Wazzup refuses the message."
    "Its code stands beside; its support answers by it."
}
