//! Why Bitrix24 does not take what it is told.

use crate::problem::problems;

problems! {
    SETTINGS_MISSING "bitrix24_settings_missing" Account
    "Битрикс24 не подключён: нет адреса вебхука и нет приложения."
    "Портал → Разработчикам → Другое → Входящий вебхук (права crm, im): скопируйте его адрес. Или \
     установите локальное приложение."
    "Bitrix24 is not connected: neither an incoming webhook nor an application."
    "In the portal: Developer resources, Other, Incoming webhook (rights crm, im); copy its \
     address. Or install the local application."

    WEBHOOK_MALFORMED "bitrix24_webhook_malformed" Account
    "Это не адрес входящего вебхука."
    "Нужен адрес вида https://портал/rest/1/секрет/, целиком и с https."
    "This is no incoming webhook's address."
    "It looks like https://portal/rest/1/secret/: all of it, with https."

    ACCESS_LOST "bitrix24_access_lost" Account
    "Битрикс24 больше не узнаёт это подключение."
    "Вебхук удалён, просрочен или его переделал другой сотрудник: создайте новый. Приложение — \
     установите заново."
    "Bitrix24 no longer knows this connection."
    "The webhook was deleted, has expired, or was remade by somebody else: make a new one. An \
     application: install it again."

    PLAN "bitrix24_plan" Account
    "На этом тарифе Битрикс24 нет REST API."
    "Нужен коммерческий тариф с подпиской на Маркет (или их пробный период)."
    "This Bitrix24 plan has no REST API."
    "It takes a commercial plan with the Market subscription, or a trial of them."

    SCOPE_MISSING "bitrix24_scope_missing" Account
    "У вебхука или приложения нет нужного права."
    "Добавьте права crm и im (для приложения ещё placement, bizproc, pay_system, \
     sale)."
    "The webhook or the application lacks a right."
    "Add the rights crm and im (an application also placement, bizproc, pay_system, \
     sale)."

    RIGHTS "bitrix24_rights" Account
    "Сотруднику, от имени которого работает подключение, не хватает прав."
    "Дайте ему права на сделки в CRM или создайте вебхук от администратора."
    "The employee behind the connection lacks rights."
    "Give him rights to deals in the CRM, or make the webhook as an administrator."

    BLOCKED "bitrix24_blocked" Account
    "Портал временно запретил запросы с этого сервера."
    "Напишите в поддержку Битрикс24; до ответа ничего не отправляется."
    "The portal has blocked requests from this server."
    "Write to Bitrix24's support; nothing is sent until then."

    PORTAL_GONE "bitrix24_portal_gone" Account
    "Портал удалён."
    "Подключите другой портал или уберите интеграцию."
    "The portal is deleted."
    "Connect another portal, or remove the integration."

    METHOD_MISSING "bitrix24_method_missing" Account
    "Портал не знает этого метода."
    "Обновите коробочный портал: нужен модуль CRM с универсальными методами crm.item."
    "The portal does not know this method."
    "Update the on-premise portal: its CRM must have the universal methods crm.item."

    REFRESH_DEAD "bitrix24_refresh_dead" Account
    "Приложение отключено от портала: токен обновления больше не действует."
    "Откройте приложение в Битрикс24 ещё раз или установите его заново."
    "The application is disconnected: its refresh token is dead."
    "Open the application in Bitrix24 once more, or install it again."

    UNINSTALLED "bitrix24_uninstalled" Account
    "Приложение удалено с портала."
    "Установите его снова: Разработчикам → Интеграции → локальное приложение."
    "The application was removed from the portal."
    "Install it again: Developer resources, Integrations, the local application."

    NOT_ADMIN "bitrix24_not_admin" Account
    "Приложение устанавливает не администратор портала."
    "Робота, вкладку и триггеры регистрирует только администратор: пусть установку откроет он."
    "The application is being installed by somebody who is no administrator."
    "Only an administrator may register the tab, the robot and the triggers: let one install it."

    INSTALL_FORGED "bitrix24_install_refused" Account
    "Установка не принята: сервер авторизации Битрикс24 не знает этих токенов."
    "Проверьте client_id и client_secret: они из карточки этого же приложения. Потом установите \
     его ещё раз."
    "The installation is not taken: Bitrix24's own server does not know these tokens."
    "Check client_id and client_secret: they stand in this very application's card. Then \
     install it again."

    NO_CLIENT "bitrix24_client_missing" Account
    "Не указаны client_id и client_secret приложения."
    "Сохраните их: `kopeck integration edit int_… --set client_id=local.… --set \
     client_secret=…`."
    "The application's client_id and client_secret are not set."
    "Save them: `kopeck integration edit int_… --set client_id=local.… --set client_secret=…`."

    DEAL_INVALID "bitrix24_deal_invalid" Message
    "Это не номер сделки."
    "Номер сделки — число из её адреса: /crm/deal/details/57/."
    "This is no deal's number."
    "A deal's number is in its address: /crm/deal/details/57/."

    DEAL_UNKNOWN "bitrix24_deal_unknown" Address
    "Такой сделки нет."
    "Её удалили, или номер с другого портала."
    "There is no such deal."
    "It was deleted, or the number is another portal's."

    DEAL_CLOSED "bitrix24_deal_closed" Address
    "Сделка есть, но подключению она не видна."
    "Дайте сотруднику вебхука права на эту воронку."
    "The deal is there, but not for this connection."
    "Give the webhook's employee rights to its funnel."

    STAGES_MALFORMED "bitrix24_stages_malformed" Account
    "Соответствие воронок и стадий не прочитано."
    "Форма: 0=WON; 3=C3:WON — номер воронки, знак равенства, код стадии."
    "The mapping of funnels to stages cannot be read."
    "The form is 0=WON; 3=C3:WON: a funnel's number, an equals sign, a stage's code."

    ORDER_CHANGED "bitrix24_order_changed" Message
    "Сумма заказа на портале уже не та, что заплачена."
    "Отметьте оплату на портале сами или верните деньги; если сумма снова верна — повторите."
    "The order's sum at the portal is not what was paid."
    "Mark the payment at the portal yourself, or give the money back; if the sum is right again, \
     try once more."

    GAVE_UP "bitrix24_gave_up" Message
    "Портал сутки не отвечал: то, что он просил, не сделано."
    "Kopeck пробует снова каждый час две недели, пока портал не ответит; или повторите сами."
    "The portal did not answer for a day: what it asked for is not done."
    "Kopeck tries anew each hour for two weeks, until the portal answers; or try it yourself."

    REFUSED "bitrix24_refused" Message
    "Битрикс24 отказал."
    "Слова Битрикс24 — рядом."
    "Bitrix24 refuses."
    "Its words stand beside."
}
