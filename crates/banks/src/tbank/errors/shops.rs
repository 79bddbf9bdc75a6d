//! The bank's codes from 300 to 999: receipts, saved cards, the shop and its limits.
//!
//! Made once from the table in the bank's OpenAPI document; `tests/errors.rs` compares the two.

codes! { SHOPS
    308 Receipt
    "Сумма всех позиций в чеке должна равняться сумме всех видов оплаты."
    "The receipt's lines do not add up to the sum of its ways to pay."
    309 Receipt
    "Поле Receipt не должно быть пустым."
    "A receipt is required: a cash register is attached to the terminal."
    310 Receipt
    "В Quantity слишком много знаков."
    "Quantity has too many digits."
    311 Technical
    "Ошибка регистрации чека в Receipt Service."
    "The receipt service could not register the receipt."
    312 Technical
    "Ошибка получения чека из Receipt Service."
    "The receipt service could not give the receipt."
    313 Technical
    "Ошибка создания организации в Receipt Service."
    "The receipt service could not make the organisation."
    314 Technical
    "Ошибка создания кассы в Receipt Service."
    "The receipt service could not make the cash register."
    315 Register
    "Касса не найдена."
    "The cash register was not found."
    316 Receipt
    "Максимальная длина номера телефона — 19 символов."
    "The receipt's phone has more than 19 characters."
    317 Receipt
    "Неверное значение поля agentSign."
    "AgentSign is wrong."
    318 Receipt
    "Поле AgentSign не должно быть пустым."
    "AgentSign must not be empty."
    319 Receipt
    "Поле SupplierInfo не должно быть пустым."
    "SupplierInfo must not be empty."
    320 Receipt
    "Поле Inn в объекте SupplierInfo не должно быть пустым."
    "Inn in SupplierInfo must not be empty."
    321 Receipt
    "Поле Receipts не должно быть пустым."
    "Receipts must not be empty."
    322 Token
    "Передана некорректная подпись."
    "The signature is wrong."
    323 Amount
    "Amount не совпадают."
    "The amounts do not match."
    324 State
    "Указанный тип отмены не может быть выполнен по операции."
    "This kind of cancellation cannot be made with the operation."
    325 Missing
    "Транзакция не найдена."
    "The transaction was not found."
    326 Amount
    "Неверный amount."
    "The amount is wrong."
    327 NotEnabled
    "Терминал не поддерживает C2C переводы или не передан Route=C2C для C2C терминала."
    "The terminal cannot make C2C transfers, or Route=C2C was not sent for a C2C terminal."
    328 Field
    "Должны присутствовать данные для списания и данные для пополнения."
    "Both data to take and data to give are needed."
    329 Receipt
    "email или Phone обязательны при передаче чека."
    "The receipt needs the buyer's e-mail or phone."
    330 Amount
    "Сумма в запросе больше чем в оригинальной транзакции."
    "The amount is larger than that of the original transaction."
    331 Terminal
    "Неверный терминал."
    "The terminal is wrong."
    332 Field
    "Поле Fee в объекте Shops должно быть больше или равно 0."
    "Fee in Shops must be 0 or more."
    333 Field
    "Поле Amount в объекте Shops должно быть больше или равно 1."
    "Amount in Shops must be 1 or more."
    334 Receipt
    "Суммы в чеке и в платеже не совпадают."
    "The receipt's sum is not the payment's."
    335 Missing
    "OrderId не найден для этого терминала."
    "The terminal has no order with this OrderId."
    381 Foreign
    "Возможна привязка только резидентных карт."
    "Only residents' cards can be saved."
    382 Foreign
    "Возможна привязка только нерезидентных карт."
    "Only non-residents' cards can be saved."
    383 Receipt
    "Поле чека для маркированных товаров не заполнено или заполнено неверно."
    "A field of the receipt for marked goods is missing or wrong."
    384 NotPermitted
    "Для C2C запрещено проводить рекуррент по данной ПС."
    "Recurring C2C payments are forbidden for this payment system."
    385 Receipt
    "Поле для маркированных товаров передано с немаркированным товаром."
    "A field for marked goods was sent with goods that are not marked."
    386 Receipt
    "markQuantity заполняется только для дробного расчета за штучный маркированный товар."
    "MarkQuantity is only for a fraction of a marked piece."
    401 Technical
    "Внутренняя ошибка системы."
    "Internal error of the bank's system."
    402 Technical
    "Повторите попытку позже."
    "The bank asks to try again later."
    403 Limit
    "Превышен лимит на количество пополнений в месяц."
    "The limit of top-ups per month is used up."
    404 Limit
    "Превышен лимит на сумму пополнения через бесконтактные сервисы."
    "The limit of top-ups through contactless services is used up."
    405 Limit
    "Превышен лимит на сумму пополнения по виртуальной карте."
    "The limit of top-ups by virtual card is used up."
    406 Limit
    "Превышен лимит на сумму пополнения в месяц через мобильное приложение."
    "The monthly limit of top-ups through the mobile app is used up."
    407 Missing
    "Не найдено."
    "It was not found."
    410 NotEnabled
    "Данный тип перевода для терминала не доступен."
    "This kind of transfer is not available for the terminal."
    411 Terminal
    "Сертификат не найден."
    "The certificate was not found."
    412 Terminal
    "Истек срок действия сертификата."
    "The certificate has expired."
    413 Terminal
    "Сертификат заблокирован."
    "The certificate is blocked."
    414 Field
    "Сертификат уже сохранен для данного терминала."
    "The certificate is saved for this terminal already."
    415 Terminal
    "Дата начала срока действия сертификата еще не наступила."
    "The certificate is not valid yet."
    416 Field
    "Некорректное значение параметра SetStatus."
    "The parameter SetStatus is wrong."
    417 Terminal
    "Ошибка обработки сертификата."
    "The certificate could not be processed."
    419 Field
    "Параметр account объекта DATA должен быть заполнен корректно для MCC: 6050/6051."
    "The key account in DATA must be filled in for MCC 6050 and 6051."
    500 NotEnabled
    "Добавление карты к данному терминалу запрещено."
    "Cards may not be saved with this terminal."
    501 Terminal
    "Терминал не найден."
    "The terminal was not found."
    502 Missing
    "Карта по requestKey не найдена."
    "No card was found by this RequestKey."
    503 Missing
    "CustomerKey не найден."
    "The CustomerKey was not found."
    504 Issuer
    "Не удалось провести платеж при привязке карты."
    "The payment that checks a card to be saved failed."
    505 Technical
    "Не удалось привязать карту. Внутренняя ошибка."
    "The card could not be saved: internal error."
    506 Blocked
    "Карта добавлена в черный список."
    "The card is on the black list."
    507 ThreeDs
    "Карта не поддерживает 3DS проверку. Попробуйте другую карту."
    "The card does not support 3-D Secure."
    508 Details
    "Неверный номер карты."
    "The card number is wrong."
    509 Technical
    "Не удалось выполнить отмену при привязке карты."
    "The payment that checked a card could not be cancelled."
    510 State
    "Карта уже привязана к переданному CustomerKey."
    "The card is saved for this CustomerKey already."
    511 ThreeDs
    "Проверка 3DS не пройдена."
    "The payer did not pass 3-D Secure."
    512 ThreeDs
    "Не удалось выполнить запрос на проверку 3DS."
    "The request to 3-D Secure failed."
    513 ThreeDs
    "Не удалось выполнить платеж после прохождения 3DS."
    "The payment after 3-D Secure failed."
    514 Details
    "Введена неверная сумма холдирования."
    "The payer typed a wrong sum of the check hold."
    515 Technical
    "Внутренняя ошибка."
    "Internal error."
    600 Blocked
    "Магазин или его черный список отклонил эту карту."
    "The shop or its black list declined this card."
    601 NotPermitted
    "Разрешены операции только по Master Card."
    "Only MasterCard is accepted."
    603 Limit
    "Превышено количество попыток оплаты с данной карты."
    "Too many attempts to pay with this card."
    604 Unclear
    "Обратитесь в поддержку, чтобы уточнить детали."
    "The bank's support knows the details."
    619 Field
    "Не переданы персональные данные отправителя для операции больше 15 000 рублей."
    "The sender's personal data are missing, as needed above 15 000 rubles."
    620 Amount
    "Проверьте сумму — она не может быть равна 0."
    "The amount must not be zero."
    623 Duplicate
    "Выплата по этому заказу уже прошла."
    "This order is paid or paid out already."
    632 Limit
    "Превышен лимит на сумму операции."
    "The amount is above the limit of one operation."
    633 Limit
    "Превышен лимит на количество переводов в день по иностранным картам."
    "The daily number of transfers with foreign cards is used up."
    634 Limit
    "Превышен лимит на сумму переводов по номеру карты в месяц."
    "The monthly sum of transfers to this card number is used up."
    637 Field
    "Не хватает данных получателя или отправителя для выплаты на иностранную карту."
    "The sender's or recipient's data are missing, as needed for a foreign card."
    642 Details
    "Проверьте номер карты."
    "The card number has a wrong check digit."
    648 TerminalBlocked
    "Магазин заблокирован или еще не активирован. Обратитесь в поддержку, чтобы уточнить детали."
    "The shop is blocked or not active yet; ask the bank's support."
    650 Technical
    "Покупателю стоит попробовать оплатить еще раз; если ошибка повторится — обратитесь в \
     поддержку."
    "The payer should try once more; if it stays so, ask the bank's support."
    651 Unclear
    "Не получилось совершить платеж: Request_Id не найден; свяжитесь с поддержкой."
    "The payment failed since its Request_Id was not found; ask the bank's support."
    702 NotEnabled
    "Поле maid и saav должно быть задано в настройках терминала."
    "The fields maid and saav must be set in the terminal's settings."
    703 Unclear
    "Обратитесь в поддержку, чтобы уточнить детали."
    "The bank's support knows the details."
    800 Missing
    "Комиссия не найдена."
    "The commission was not found."
    903 Technical
    "Повторите попытку позже."
    "The bank asks to try again later."
    914 Missing
    "Платеж не найден."
    "The payment was not found."
    926 State
    "Сделка уже закрыта."
    "The deal is closed already."
    927 Missing
    "Сделка не найдена."
    "The deal was not found."
    991 NotEnabled
    "Для использования 3dsType нужно установить 3ds терминал."
    "A 3-D Secure terminal is needed to choose 3dsType."
    999 Technical
    "Попробуйте повторить попытку позже."
    "The bank asks to try again later."
}
