//! The bank's codes from 1000: issuers, SBP, wallets, instalments.
//!
//! Made once from the table in the bank's OpenAPI document; `tests/errors.rs` compares the two.

codes! { ISSUERS
    1001 Issuer
    "Свяжитесь с банком."
    "The payer should ask the bank that issued the card."
    1003 Terminal
    "Неверный магазин."
    "The shop's number is not valid."
    1004 Suspicion
    "Банк, который выпустил карту, считает платеж подозрительным."
    "The bank that issued the card finds the payment suspicious."
    1005 Issuer
    "Платеж отклонен банком, выпустившим карту."
    "The bank that issued the card declined the payment."
    1006 Issuer
    "Платеж не прошел."
    "The payment failed; the payer should ask the bank that issued the card."
    1007 Suspicion
    "Банк, который выпустил карту, считает платеж подозрительным."
    "The bank that issued the card finds the payment suspicious."
    1008 Issuer
    "Банк, который выпустил карту, отклонил платеж."
    "The bank that issued the card declined the payment."
    1012 Issuer
    "Банк, который выпустил карту, отклонил платеж."
    "The bank that issued the card declined the payment."
    1013 Limit
    "Банк, который выпустил карту, отклонил платеж — сумма превышает лимит по карте."
    "The amount is above the card's limit."
    1014 Details
    "Карта недействительна."
    "The card is not valid: its details are wrong."
    1015 Details
    "Неверный номер карты."
    "The card number is wrong."
    1017 Issuer
    "Попробуйте снова или свяжитесь с банком, выпустившим карту."
    "The payer should try again or ask the bank that issued the card."
    1018 Unclear
    "Неизвестный статус платежа."
    "The payment's state is unknown."
    1019 Limit
    "Банк, который выпустил карту, отклонил платеж — сумма превышает лимит по карте."
    "The amount is above the card's limit."
    1030 Technical
    "Повторите попытку позже."
    "The payment failed; the payer should try again later."
    1033 Expired
    "Истек срок действия карты."
    "The card has expired."
    1034 Issuer
    "Попробуйте повторить попытку позже."
    "The payment failed; the payer should use another card or ask the issuing bank."
    1038 Details
    "Превышено количество попыток ввода ПИН-кода — попробуйте снова или обратитесь в банк, \
     выпустивший карту."
    "The PIN was typed wrong too many times."
    1039 Blocked
    "Платеж отклонен — счет не найден."
    "The payment was declined: the account was not found."
    1041 Blocked
    "Карта утеряна."
    "The card was reported lost."
    1043 Suspicion
    "Банк, который выпустил карту, считает платеж подозрительным."
    "The bank that issued the card finds the payment suspicious."
    1051 Funds
    "Недостаточно средств на карте."
    "There is not enough money on the card."
    1053 Blocked
    "Платеж отклонен — счет не найден."
    "The payment was declined: the account was not found."
    1054 Expired
    "Истек срок действия карты."
    "The card has expired."
    1055 Details
    "Неверный ПИН."
    "The PIN is wrong."
    1057 NotPermitted
    "Покупатель запретил такие операции для своей карты."
    "The payer forbade such operations for the card."
    1058 NotPermitted
    "Покупатель запретил такие операции для своей карты."
    "The payer forbade such operations for the card."
    1059 Suspicion
    "Банк, который выпустил карту, считает платеж подозрительным."
    "The bank that issued the card finds the payment suspicious."
    1061 Limit
    "Покупатель превысил лимит платежей по своей карте."
    "The payer's limit of payments by this card is used up."
    1062 Issuer
    "Банк, который выпустил карту, отклонил платеж."
    "The bank that issued the card declined the payment."
    1063 Suspicion
    "Банк, который выпустил карту, считает платеж подозрительным."
    "The bank that issued the card finds the payment suspicious."
    1064 Amount
    "Проверьте сумму."
    "The amount is wrong."
    1065 Limit
    "Покупатель превысил лимит платежей по своей карте."
    "The payer's limit of payments by this card is used up."
    1071 SavedGone
    "Токен просрочен."
    "The card's token has expired."
    1075 Limit
    "Покупатель оплатил максимум раз по своей карте за день."
    "The payer paid the daily number of times with this card."
    1076 Unclear
    "Не получилось отменить резервирование. Обратитесь в поддержку, чтобы уточнить детали."
    "The hold could not be cancelled; ask the bank's support."
    1077 Details
    "Коды не совпадают — попробуйте снова."
    "The codes do not match."
    1078 NotPermitted
    "Данный тип операции не поддерживается картой."
    "The card does not support this kind of operation."
    1080 Details
    "Плательщик ввел неверный срок действия карты."
    "The payer typed a wrong expiry date."
    1082 Details
    "Неверный CVV."
    "The CVV is wrong."
    1085 Unclear
    "Операция успешна."
    "The bank calls the operation successful."
    1086 Details
    "Платеж отклонен — не получилось подтвердить ПИН-код."
    "The PIN could not be confirmed."
    1088 Issuer
    "Банк, который выпустил карту, отклонил платеж."
    "The bank that issued the card declined the payment."
    1089 Technical
    "Попробуйте повторить попытку позже."
    "The payment failed; the payer should try again or ask the issuing bank."
    1091 Technical
    "Технические работы в банке, который выпустил карту."
    "The bank that issued the card has technical works."
    1092 Issuer
    "Банк, который выпустил карту, отклонил платеж."
    "The bank that issued the card declined the payment."
    1093 Suspicion
    "Банк, который выпустил карту, считает платеж подозрительным."
    "The bank that issued the card finds the payment suspicious."
    1094 Suspicion
    "Банк, который выпустил карту, считает платеж подозрительным."
    "The bank that issued the card finds the payment suspicious."
    1096 Technical
    "Системная ошибка."
    "System error."
    1099 NotEnabled
    "Способ оплаты отключен."
    "This way to pay is switched off."
    1116 Balance
    "Сумма баланса меньше суммы выплаты."
    "The balance is smaller than the sum to pay out."
    1119 Field
    "Параметр account объекта DATA должен быть заполнен корректно для MCC: 6050/6051."
    "The key account in DATA must be filled in for MCC 6050 and 6051."
    1125 Field
    "Некорректное значение OperationInitiatorType. Должно быть одно из списка."
    "OperationInitiatorType is not one of the bank's list."
    1126 Field
    "Несопоставимые значения rebillId или Recurrent с переданным значением \
     OperationInitiatorType."
    "RebillId or Recurrent does not fit OperationInitiatorType."
    1201 Unclear
    "Обратитесь в поддержку, чтобы уточнить детали."
    "The bank's support knows the details."
    1202 ShopLimit
    "Сумма платежа превышает лимит по разовой операции в этом магазине. Обратитесь в поддержку, \
     чтобы уточнить детали."
    "The amount is above the shop's limit of one operation."
    1203 ShopLimit
    "Сумма платежа превышает лимит по разовой операции или количеству операций в этом магазине. \
     Обратитесь в поддержку, чтобы уточнить детали."
    "The amount is above the shop's limit of one operation or of their number."
    1204 ShopLimit
    "Достигнут лимит по суточному обороту. Чтобы изменить лимит, обратитесь в поддержку."
    "The shop's daily turnover limit is reached."
    1205 Foreign
    "Магазин не принимает карты этой страны. Обратитесь в поддержку, чтобы уточнить детали."
    "The shop does not accept cards of this country."
    1207 Technical
    "Покупателю стоит попробовать оплатить еще раз; если ошибка повторится — обратитесь в \
     поддержку."
    "The payer should try once more; if it stays so, ask the bank's support."
    1217 Issuer
    "Воспользуйтесь другой картой или обратитесь к продавцу."
    "The payer should use another card or ask the seller."
    1218 Issuer
    "Воспользуйтесь другой картой или обратитесь к продавцу."
    "The payer should use another card or ask the seller."
    1235 NotEnabled
    "Для карт «Мир» нужно настроить подтверждение платежей по СМС 3DS 2.0. Обратитесь в \
     поддержку, чтобы уточнить детали."
    "Mir cards need 3-D Secure 2.0; the bank's support switches it on."
    1316 NotEnabled
    "Запрещено проведение авторизации."
    "Authorisation with 3-D Secure is forbidden."
    1502 Balance
    "Недостаточно средств на счете компании."
    "There is not enough money on the company's account."
    1503 TerminalBlocked
    "Некорректный статус счета, обратитесь в поддержку."
    "The state of the company's account is wrong; ask the bank's support."
    2014 ThreeDs
    "Не пройдена идентификация 3DS."
    "The payer did not pass 3-D Secure."
    2015 Terminal
    "Мерчант с таким именем и паролем не найден."
    "No merchant with this name and password was found."
    2200 Busy
    "Превышено допустимое количество запросов авторизации операции."
    "Too many requests to authorise the operation."
    3001 NotEnabled
    "Оплата через СБП недоступна: способ не включен для терминала."
    "Payment by SBP is not switched on for the terminal."
    3002 Balance
    "На счете магазина недостаточно средств для возврата."
    "The shop's account has not enough money for the refund."
    3003 Suspicion
    "Отмена платежа в связи с мошенничеством."
    "The payment was cancelled because of fraud."
    3008 Blocked
    "У получателя нет расчетного счета в этом банке. Выберите другой банк."
    "The recipient has no account at this bank; choose another bank."
    3009 Issuer
    "Отказ в проведении операции от СБП или банка получателя."
    "SBP or the recipient's bank declined the operation."
    3010 Blocked
    "У получателя нет расчетного счета в этом банке. ФИО некорректное."
    "The recipient has no account at this bank, or the name is wrong."
    3011 NotEnabled
    "Оплата через E2C недоступна."
    "Payment by E2C is not available."
    3012 Missing
    "Привязка счета не найдена."
    "The saved account was not found."
    3013 NotEnabled
    "Рекуррентные платежи недоступны."
    "Recurring payments by SBP are not available."
    3014 Missing
    "AccountToken не найден."
    "AccountToken was not found."
    3015 SavedGone
    "Неверный статус AccountToken."
    "AccountToken is not active."
    3016 Amount
    "Невозможно создать QR: по СБП принимаются суммы от 10 рублей до 1 миллиона рублей."
    "A QR code cannot be made: SBP takes from 10 rubles to 1 million rubles."
    3017 Field
    "Переданное значение RedirectDueDate вне допустимого диапазона."
    "RedirectDueDate is out of range."
    3019 NotEnabled
    "Не включен СБП в личном кабинете."
    "SBP is not switched on in the cabinet."
    3028 Issuer
    "Банк покупателя отклонил возврат. Попросите покупателя обратиться туда или выберите другой \
     его банк."
    "The payer's bank declined the refund; choose another of their banks."
    3029 Later
    "Слишком много попыток: СБП допускает одну попытку возврата в час."
    "SBP allows one attempt of a refund per hour."
    3030 Later
    "Слишком много попыток: СБП допускает пять попыток возврата в день."
    "SBP allows five attempts of a refund per day."
    3031 Issuer
    "Банк покупателя отклонил возврат. Попросите покупателя обратиться туда или выберите другой \
     его банк."
    "The payer's bank declined the refund; choose another of their banks."
    3032 Later
    "Слишком много неудачных попыток за час. Попробуйте снова через час или выберите другой \
     банк получателя."
    "Too many failed attempts within an hour."
    3033 Later
    "Слишком много неудачных попыток за сутки. Попробуйте еще раз завтра или выберите другой \
     банк получателя."
    "Too many failed attempts within a day."
    3034 Issuer
    "Банк получателя отклонил выплату. Попросите получателя обратиться туда или выберите другой \
     его банк."
    "The recipient's bank declined the payout."
    3035 Issuer
    "Банк получателя отклонил выплату. Попросите получателя обратиться туда или выберите другой \
     его банк."
    "The recipient's bank declined the payout."
    3036 Unclear
    "Возникла ошибка. Не получилось сделать выплату."
    "The payout failed."
    3037 State
    "Повторный вызов метода недоступен."
    "The method may not be called again."
    3038 NotEnabled
    "Возврат средств через СБП доступен только со счетом в T-Bank. Измените счет в настройках \
     вашего магазина."
    "SBP refunds need an account at T-Bank: change it in the shop's settings."
    3040 Technical
    "Техническая ошибка."
    "Technical error."
    3041 Later
    "Слишком много неудачных попыток за сутки. Попробуйте еще раз завтра."
    "Too many failed attempts within a day."
    3042 Later
    "Слишком много неудачных попыток за час. Попробуйте снова через час."
    "Too many failed attempts within an hour."
    3044 Field
    "Передан неверный bankid."
    "BankId is wrong."
    3101 NotEnabled
    "Оплата по Mir Pay недоступна для магазина."
    "Mir Pay is not available for the shop."
    3102 Technical
    "DeepLink для оплаты по Mir Pay не создан."
    "The link for Mir Pay was not made."
    5031 Missing
    "Привязка счета не найдена."
    "The saved account was not found."
    5032 Issuer
    "Отказ в проведении операции от СБП или банка получателя."
    "SBP or the recipient's bank declined the operation."
    5036 Suspicion
    "Банк покупателя отклонил операцию как подозрительную. Попросите покупателя обратиться туда \
     или выберите другой его банк."
    "The payer's bank declined the operation as suspicious."
    5038 Issuer
    "Банк покупателя отклонил возврат по требованию законодательства. Попросите покупателя \
     обратиться туда или выберите другой его банк."
    "The payer's bank declined the refund as the law demands."
    5043 Issuer
    "Банк покупателя отклонил операцию. Попросите покупателя обратиться туда или выберите \
     другой его банк."
    "The payer's bank declined the operation."
    5060 Funds
    "У покупателя недостаточно денежных средств для проведения операции."
    "The payer has not enough money for the operation."
    5061 Limit
    "Покупатель превысил лимит по сумме операций по СБП."
    "The payer's limit of SBP sums is used up."
    5062 Limit
    "Покупатель превысил лимит по количеству операций по СБП."
    "The payer's limit of SBP operations is used up."
    5063 Suspicion
    "Банк покупателя отклонил операцию как подозрительную."
    "The payer's bank declined the operation as suspicious."
    5064 NotPermitted
    "Покупателю запрещено выполнение операций в данной категории магазинов."
    "The payer may not pay shops of this category."
    5065 Blocked
    "Счет покупателя заблокирован."
    "The payer's account is blocked."
    5066 Blocked
    "Счет покупателя закрыт."
    "The payer's account is closed."
    5067 Issuer
    "Банк покупателя отклонил операцию по требованию законодательства."
    "The payer's bank declined the operation as the law demands."
    7999 Technical
    "Техническая ошибка."
    "Technical error."
    8001 State
    "Операция запрещена для рассрочки."
    "The operation is forbidden for instalments."
    8002 Technical
    "T-Bank Credit Broker недоступен. Повторите попытку позже."
    "The credit broker is not available."
    8003 State
    "Операция запрещена для покупки долями."
    "The operation is forbidden for payment in parts."
    8004 Technical
    "BNPL недоступен. Повторите попытку позже."
    "Payment in parts is not available now."
    9001 Technical
    "Попробуйте повторить попытку позже."
    "The bank asks to try again later."
    9999 Technical
    "Внутренняя ошибка системы банка или неверный формат RedirectDueDate."
    "Internal error of the bank's system, or a malformed RedirectDueDate."
}
