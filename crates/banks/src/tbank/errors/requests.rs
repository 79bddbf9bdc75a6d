//! The bank's codes below 300: its gateway, its documents, the fields of a request.
//!
//! Made once from the table in the bank's OpenAPI document; `tests/errors.rs` compares the two.

codes! { REQUESTS
    0 Unclear
    "Ошибки нет."
    "No error."
    1 Field
    "Параметры не сопоставлены."
    "The parameters do not fit together."
    2 Field
    "Отсутствуют обязательные параметры."
    "Required parameters are missing."
    3 Technical
    "Внутренняя ошибка системы интернет-эквайринга."
    "Internal error of the bank's internet acquiring."
    4 State
    "Не получится изменить статус платежа."
    "The payment's state does not allow this change."
    5 Unclear
    "Обратитесь в поддержку, чтобы уточнить детали."
    "The bank's support knows the details."
    6 Unclear
    "Не получилось привязать карту покупателя. Обратитесь в поддержку, чтобы уточнить детали."
    "The payer's card could not be saved; ask the bank's support."
    7 Missing
    "Неверный статус покупателя."
    "The bank knows no such customer, or their state does not allow it."
    8 State
    "Неверный статус транзакции."
    "The transaction's state does not allow it."
    9 Field
    "Переадресовываемый URL пуст."
    "There is no address to return the payer to."
    10 NotEnabled
    "Метод Charge заблокирован для данного терминала."
    "The method Charge is not enabled for this terminal."
    11 Unclear
    "Невозможно выполнить платеж."
    "The payment cannot be made."
    12 Field
    "Неверный параметр RedirectDueDate."
    "RedirectDueDate is wrong."
    13 NotEnabled
    "Оплата с мобильного телефона или через WebMoney недоступна."
    "Paying from a mobile phone or WebMoney is not available."
    14 Field
    "Платеж неверный."
    "The payment is wrong."
    15 Unclear
    "Не удалось осуществить платеж через EINV."
    "The payment through EINV failed."
    16 Issuer
    "Счет был отклонен."
    "The invoice was declined."
    17 Field
    "Неверные введенные данные."
    "The data entered are wrong."
    18 Unclear
    "Не удалось осуществить платеж через MC."
    "The payment through MC failed."
    19 Unclear
    "Не удалось осуществить платеж через WebMoney."
    "The payment through WebMoney failed."
    20 Duplicate
    "Ошибка повторного идентификатора заказа."
    "An order with this number exists already."
    21 Technical
    "Внутренняя ошибка вызова сервиса ACQAPI."
    "Internal error in a call of the service ACQAPI."
    27 State
    "Кассовая ссылка на текущий момент недоступна для повторной активации."
    "The cash register's link cannot be activated again now."
    50 Technical
    "Ошибка отправки нотификации."
    "A notice could not be sent."
    51 Technical
    "Ошибка отправки email."
    "An e-mail could not be sent."
    52 Technical
    "Ошибка отправки SMS."
    "An SMS could not be sent."
    53 Unclear
    "Обратитесь к продавцу."
    "The payer is asked to contact the seller."
    54 ThreeDs
    "Повторное прохождение 3DS авторизации не допустимо."
    "3-D Secure may not be passed a second time."
    55 Missing
    "Не найдено оплаченных назначений платежа; повторите попытку позже."
    "Nothing paid was found for it; try again later."
    60 NotEnabled
    "Запрещено получение документов по URL для текущего терминала."
    "This terminal may not get documents by URL."
    61 Field
    "Должен быть заполнен один из параметров: emailList или URL."
    "Either EmailList or CallbackUrl must be given."
    62 NotEnabled
    "Запрещено получение документов по URL для текущего systemId."
    "This system may not get documents by URL."
    63 Missing
    "Не найдена операция."
    "The operation was not found."
    64 Field
    "Невалидные данные в запросе."
    "The request holds invalid data."
    65 Technical
    "Не удалось сформировать документ. Обратитесь в службу поддержки."
    "The document could not be made; ask the bank's support."
    66 Technical
    "Не удалось сформировать документ. Повторите операцию позднее."
    "The document could not be made; repeat it later."
    67 Technical
    "Не удалось сформировать документ. Повторите операцию позднее."
    "The document could not be made; repeat it later."
    68 Technical
    "Не удалось сформировать документ. Обратитесь в службу поддержки."
    "The document could not be made: an outside service is not available."
    76 Foreign
    "Операция по иностранной карте недоступна."
    "Operations with foreign cards are not available."
    77 Foreign
    "Оплата иностранной картой недоступна."
    "Payment with a foreign card is not available."
    78 Foreign
    "Выплата на иностранную карту недоступна."
    "A payout to a foreign card is not available."
    79 Foreign
    "Возврат на иностранную карту недоступен."
    "A refund to a foreign card is not available; ask the bank's support."
    96 Technical
    "Ошибка Iris."
    "Error of the bank's system Iris."
    97 Technical
    "Ошибка Jasper."
    "Error of the bank's system Jasper."
    98 Technical
    "Ошибка SubExt."
    "Error of the bank's system SubExt."
    99 Issuer
    "Банк, выпустивший карту, отклонил операцию."
    "The bank that issued the card declined the operation."
    100 Unclear
    "Банк не смог подтвердить или отменить платеж: возможно, это уже сделано или деньги не были \
     зарезервированы."
    "The bank could not confirm or cancel: the payment may be so already, or never held."
    101 ThreeDs
    "Не пройдена идентификация 3DS."
    "The payer did not pass 3-D Secure."
    102 Suspicion
    "Операция отклонена проверками банка: подозрение на мошенничество или превышен лимит."
    "The bank's fraud checks or limits declined the operation."
    103 Funds
    "Недостаточно средств на счете."
    "There is not enough money on the account."
    104 SavedGone
    "Ошибка выполения рекуррента."
    "The charge of a saved card failed."
    105 NotEnabled
    "Нужно настроить автоплатежи по Maestro — для этого обратитесь в поддержку."
    "Recurring payments by Maestro must be switched on by the bank's support."
    106 ThreeDs
    "Карта не поддерживает 3DS проверку. Попробуйте другую карту."
    "The card does not support 3-D Secure."
    107 Missing
    "Неверно введен CardId. Проверьте, что такая карта была ранее привязана."
    "CardId is wrong: no such card was saved."
    108 ThreeDs
    "Оплата разрешена только по 3DS картам. Попробуйте другую карту."
    "Only cards with 3-D Secure are accepted."
    109 ThreeDs
    "Не найден dsTranId для сессии."
    "dsTranId of the 3-D Secure session was not found."
    110 ThreeDs
    "Не передан cres."
    "cres of 3-D Secure was not sent."
    111 ThreeDs
    "Передан некорректный cres."
    "A wrong cres of 3-D Secure was sent."
    116 Funds
    "Недостаточно средств на карте."
    "There is not enough money on the card."
    119 Busy
    "Превышено допустимое количество запросов авторизации операции."
    "Too many requests to authorise this operation."
    120 Technical
    "Попробуйте повторить попытку позже."
    "The bank asks to try again later."
    123 Technical
    "Попробуйте повторить попытку позже."
    "The bank asks to try again later."
    125 Technical
    "Попробуйте повторить попытку позже."
    "The bank asks to try again later."
    191 TerminalBlocked
    "Некорректный статус договора, обратитесь к вашему менеджеру."
    "The contract's state is wrong; ask the manager at the bank."
    201 Field
    "Обязательное поле пустое: PaymentId или одно из полей чека."
    "A required field is empty: PaymentId, or one of the receipt."
    202 TerminalBlocked
    "Терминал заблокирован."
    "The terminal is blocked."
    203 Field
    "Параметры запроса не должны быть пустыми."
    "The request's parameters must not be empty."
    204 Token
    "Неверный токен: проверьте пару TerminalKey и пароль."
    "The Token is wrong: check the pair of terminal key and password."
    205 Terminal
    "Неверный токен: указанный терминал не найден."
    "The Token is wrong: the bank knows no such terminal."
    206 Field
    "email не может быть пустым."
    "The e-mail must not be empty."
    207 Field
    "Параметр DATA превышает максимально допустимый размер."
    "DATA holds too much."
    208 Field
    "Наименование ключа из параметра DATA превышает максимально допустимый размер."
    "A key in DATA is too long."
    209 Field
    "Значение ключа из параметра DATA превышает максимально допустимый размер."
    "A value in DATA is too long."
    210 Field
    "Недопустимая длина поля TerminalKey."
    "TerminalKey has a wrong length."
    211 Field
    "Неверный формат IP."
    "The IP address is wrong."
    212 Field
    "Недопустимая длина поля OrderId."
    "OrderId has a wrong length."
    213 Field
    "Недопустимая длина поля Description."
    "Description has a wrong length."
    214 Field
    "Значение Currency слишком большое."
    "Currency is too large."
    215 Field
    "Недопустимая длина поля PayForm."
    "PayForm has a wrong length."
    216 Field
    "Недопустимая длина поля CustomerKey."
    "CustomerKey has a wrong length."
    217 Field
    "PaymentId — не число нужной длины."
    "PaymentId is not a number of the right length."
    218 Details
    "Значение PAN не является числовым."
    "The card number is not a number."
    219 Details
    "Неверный срок действия карты."
    "The card's expiry date is wrong."
    220 Details
    "Недопустимая длина поля CardHolder."
    "The card holder's name has a wrong length."
    221 Details
    "Значение CVV не является числовым."
    "The CVV is not a number."
    222 Field
    "CardId — не число нужной длины."
    "CardId is not a number of the right length."
    223 Field
    "RebillId — не число нужной длины."
    "RebillId is not a number of the right length."
    224 Field
    "Неверный формат email."
    "The e-mail is wrong."
    225 Field
    "Неверный формат email."
    "The e-mail is wrong."
    226 Field
    "Недопустимая длина поля email."
    "The e-mail has a wrong length."
    227 Field
    "Недопустимая длина поля Phone."
    "Phone has a wrong length."
    228 Field
    "Недопустимая длина поля MD."
    "MD has a wrong length."
    229 Field
    "Недопустимая длина поля PaRes."
    "PaRes has a wrong length."
    230 Field
    "Недопустимая длина поля Code."
    "Code has a wrong length."
    231 Missing
    "Не найден идентификатор карты."
    "The card's id was not found."
    233 Field
    "Недопустимая длина поля CardId."
    "CardId has a wrong length."
    234 Details
    "Недопустимая длина поля PAN."
    "The card number has a wrong length."
    235 Field
    "Недопустимая длина поля RebillId."
    "RebillId has a wrong length."
    236 Field
    "Недопустимая длина поля Token."
    "Token has a wrong length."
    237 Field
    "Недопустимая длина поля PaymentId."
    "PaymentId has a wrong length."
    238 Details
    "Недопустимая длина поля ExpDate."
    "The expiry date has a wrong length."
    239 Details
    "Недопустимая длина поля CVV."
    "The CVV has a wrong length."
    240 Amount
    "Amount — не число нужной длины."
    "Amount is not a number of the right length."
    241 Field
    "Значение Currency слишком маленькое."
    "Currency is too small."
    242 Field
    "Недопустимая длина поля InfoEmail."
    "InfoEmail has a wrong length."
    243 Field
    "Ошибка шифрования карточных данных."
    "The card data could not be encrypted."
    244 Field
    "Ошибка сопоставления карточных данных."
    "The card data do not fit together."
    245 Field
    "Параметр AddCard не сопоставлен."
    "The parameter AddCard does not fit."
    246 Field
    "Параметр SendEmail не сопоставлен."
    "The parameter SendEmail does not fit."
    247 Amount
    "Параметр Amount не сопоставлен."
    "The parameter Amount does not fit."
    248 Details
    "Параметр CVV не сопоставлен."
    "The parameter CVV does not fit."
    249 Field
    "Параметр Currency не сопоставлен."
    "The parameter Currency does not fit."
    250 Field
    "Параметр DATA не сопоставлен."
    "The parameter DATA does not fit."
    251 Amount
    "Сумма меньше минимальной для терминала."
    "The amount is below the terminal's minimum."
    252 Expired
    "Срок действия карты истек."
    "The card has expired."
    253 NotEnabled
    "Эта валюта не разрешена для терминала."
    "This currency is not allowed for the terminal."
    254 NotEnabled
    "Дополнительные возможности отключены."
    "The additional features are switched off."
    255 Missing
    "Платеж не найден."
    "The payment was not found."
    256 Field
    "Указан некорректный тип безопасной сделки."
    "The kind of safe deal is wrong."
    257 Field
    "Некорректное значение признака последней выплаты. Используйте значения true или false."
    "The sign of the last payout must be true or false."
    258 Receipt
    "Неверный параметр Ean13."
    "Ean13 is wrong."
    259 Field
    "Параметр EncryptedPaymentData не сопоставлен."
    "The parameter EncryptedPaymentData does not fit."
    260 Field
    "Максимальная длина номера телефона — 30 символов."
    "The phone has more than 30 characters."
    261 Field
    "Параметр Source не сопоставлен."
    "The parameter Source does not fit."
    262 SavedGone
    "Истек срок действия родительского платежа."
    "The parent payment's time is over."
}
