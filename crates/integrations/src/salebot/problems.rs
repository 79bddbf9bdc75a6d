//! Why Salebot does not carry a message, and why a bot's request for a link is refused.

use crate::problem::problems;

problems! {
    KEY_MISSING "salebot_key_missing" Account
    "Не указан ключ API проекта Salebot."
    "Настройки проекта → API: создайте ключ и сохраните его здесь."
    "Salebot's API key is absent."
    "Project settings, API: make a key and save it here."

    KEY_REFUSED "salebot_key_refused" Account
    "Salebot не принял ключ API."
    "Скопируйте ключ заново в настройках проекта, без пробелов, и сохраните."
    "Salebot refuses the API key."
    "Copy the key again from the project's settings, without spaces, and save it."

    KEY_RIGHTS "salebot_key_rights" Account
    "У ключа Salebot нет нужных прав."
    "Разрешите ключу функции callback, save_variables и connected_channels."
    "The key lacks rights."
    "Allow the key callback, save_variables and connected_channels."

    PLAN "salebot_plan" Account
    "Тариф Salebot не даёт доступа к API."
    "Перейдите на тариф с API в настройках проекта."
    "The project's plan has no API."
    "Choose a plan with API access in Salebot."

    SECRET_SHORT "salebot_callback_secret_short" Account
    "Секрет колбеков не задан или короче 16 знаков."
    "Задайте длинный случайный текст: от него зависят 10 знаков перед _success. Пароль банка сюда \
     не годится."
    "The callbacks' secret is absent or shorter than 16 characters."
    "Set a long random text: the ten characters before _success follow from it. Never the bank's \
     password."

    ADDRESS_INVALID "salebot_client_invalid" Message
    "Это не номер клиента Salebot."
    "Передайте client_id числом: переменная #{client_id} в блоке."
    "This is not a Salebot client."
    "Pass client_id as a number: the variable #{client_id} in a block."

    CLIENT_UNKNOWN "salebot_client_unknown" Address
    "Salebot не знает такого клиента."
    "Проверьте, что client_id взят в этом же проекте: в другом проекте у человека другой номер."
    "Salebot knows no such client."
    "See that client_id is of the same project: another project has another number."

    REFUSED "salebot_refused" Message
    "Salebot не принял запрос."
    "Слова Salebot — рядом. Если они о тарифе или правах ключа, исправьте их в проекте."
    "Salebot refuses the request."
    "Salebot's words stand beside. If they are about the plan or the key, mend that in the project."

    NOTHING_TO_SAY "salebot_nothing_to_say" Message
    "У этого события нет колбека."
    "Ничего делать не нужно: его передают переменные."
    "This news has no callback."
    "Nothing to do: the variables tell it."

    BODY "salebot_body_unreadable" Message
    "Запрос не прочитан: нужен JSON-объект или поля формы."
    "В блоке Salebot выберите тип запроса POST и JSON-параметры."
    "The request cannot be read: send a JSON object or form fields."
    "In Salebot's block choose POST and JSON parameters."

    AMOUNT "salebot_amount" Message
    "Сумма не указана или это не рубли с копейками."
    "Передайте amount в рублях: 1200 или 1200.50. Если видите #{…}, переменная в боте не заполнена."
    "The amount is absent or is no number of rubles."
    "Pass amount in rubles: 1200 or 1200.50. If it reads #{…}, the bot's variable is not set."

    TWO_AMOUNTS "salebot_two_amounts" Message
    "Указаны сразу две суммы: amount, amount_kopecks и payment_sum исключают друг друга."
    "Оставьте одну: amount — как у функции, payment_sum — как у переменных."
    "Two amounts of different ways: amount, amount_kopecks and payment_sum exclude each other."
    "Keep one: amount as the function has it, payment_sum as the variables have it."

    CLIENT_MISSING "salebot_client_missing" Message
    "Не передан client_id."
    "Добавьте в запрос client_id со значением #{client_id}."
    "client_id is absent."
    "Add client_id with the value #{client_id} to the request."

    RECEIPT_SUM "salebot_receipt_sum" Message
    "Сумма позиций чека не равна сумме платежа."
    "С vat_code цены и суммы в рублях, с tax — в копейках; единицы не угадываются. Исправьте \
     products_for_receipt или сумму."
    "The receipt's lines do not add up to the amount."
    "With vat_code prices and sums are rubles, with tax kopecks; units are never guessed. Mend \
     products_for_receipt or the amount."

    CONTACT "salebot_contact" Message
    "Для чека нужен email или телефон покупателя."
    "Передайте customer_email или customer_phone (email или phone у переменных); телефон — \
     79000000000."
    "A receipt needs the buyer's e-mail or phone."
    "Pass customer_email or customer_phone (email or phone with variables); a phone as 79000000000."

    EXPIRED "salebot_expired" Message
    "Срок ссылки не прочитан."
    "Форма: дд.мм.гггг или дд.мм.гггг чч:мм, например 25.01.2027 12:23."
    "The link's end cannot be read."
    "The form is dd.mm.yyyy or dd.mm.yyyy hh:mm, such as 25.01.2027 12:23."

    LANGUAGE "salebot_language" Message
    "Язык страницы — ru или en."
    "Передайте language ru или en, или не передавайте."
    "The page's language is ru or en."
    "Pass language as ru or en, or leave it out."

    EXTRA "salebot_extra_params" Message
    "extra_params — не словарь."
    "Форма: {\"IP\": \"66.249.72.248\"} с двойными кавычками."
    "extra_params is no dictionary."
    "The form is {\"IP\": \"66.249.72.248\"} with double quotes."

    REBILL "salebot_rebill_missing" Message
    "Нет tinkoff_rebill_id: клиент ещё не платил с автоплатежом, или переменную удалили."
    "Проведите первый платёж со включённым автоплатежом и не удаляйте переменную."
    "tinkoff_rebill_id is absent: no first payment with autopay yet, or the variable was deleted."
    "Make a first payment with autopay on, and keep the variable."

    PAYMENT_MISSING "salebot_payment_missing" Message
    "Не указан платёж."
    "Передайте payment_id из ответа на запрос ссылки."
    "The payment is absent."
    "Send the payment_id that came with the link."
}
