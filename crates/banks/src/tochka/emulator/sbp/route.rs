//! From a path below `/sbp/v1.0` to the call that answers it.

use crate::{
    emulator::Served,
    http::Method,
    tochka::emulator::{
        TochkaEmulator,
        grants::{Grant, Needs},
        problem::Problem,
        route::Call,
    },
};

pub(in crate::tochka::emulator) enum Route {
    Customer { customer_code: String, bank_code: String },
    RegisterCompany,
    Company(String),
    SetCompany(String),
    Accounts(String),
    RegisterPoint(String),
    Points(String),
    Point(String),
    SetPoint(String),
    Register { point_id: String, account_id: String },
    Code(String),
    Codes(String),
    States(String),
    RegisterDesk,
    Desks { point_id: String, account_id: String },
    Desk(String),
    Activate(String),
    Deactivate(String),
    MoveDesk(String),
    DeskStatus(String),
    DeskOperation(String),
    RegisterInvoice { point_id: String, account_id: String },
    Invoice(String),
    Payments,
    Refund,
    RefundState(String),
}

impl Route {
    /// An account holds a slash; the bank takes it raw as well as escaped.
    pub(in crate::tochka::emulator) fn find(method: Method, path: &[&str]) -> Option<Route> {
        use Method::{Get, Post, Put};
        let own = |text: &&str| (*text).to_owned();
        Some(match (method, path) {
            (Get, ["customer", code, bank]) => {
                Route::Customer { customer_code: own(code), bank_code: own(bank) }
            }
            (Post, ["register-sbp-legal-entity"]) => Route::RegisterCompany,
            (Get, ["legal-entity", id]) => Route::Company(own(id)),
            (Post, ["legal-entity", id]) => Route::SetCompany(own(id)),
            (Get, ["account", id]) => Route::Accounts(own(id)),
            (Post, ["merchant", "legal-entity", id]) => Route::RegisterPoint(own(id)),
            (Get, ["merchant", "legal-entity", id]) => Route::Points(own(id)),
            (Get, ["merchant", id]) => Route::Point(own(id)),
            (Put, ["merchant", id]) => Route::SetPoint(own(id)),
            (Post, ["qr-code", "merchant", point, account @ ..]) => {
                Route::Register { point_id: own(point), account_id: join(account)? }
            }
            (Get, ["qr-code", "legal-entity", id]) => Route::Codes(own(id)),
            (Get, ["qr-code", id]) => Route::Code(own(id)),
            (Get, ["qr-codes", ids, "payment-status"]) => Route::States(own(ids)),
            (Post, ["b2b-qr-code", "merchant", point, account @ ..]) => {
                Route::RegisterInvoice { point_id: own(point), account_id: join(account)? }
            }
            (Get, ["b2b-qr-code", id]) => Route::Invoice(own(id)),
            (Get, ["get-sbp-payments"]) => Route::Payments,
            (Post, ["refund"]) => Route::Refund,
            (Get, ["refund", id]) => Route::RefundState(own(id)),
            (_, ["cashbox-qr-code", rest @ ..]) => Route::find_desk(method, rest)?,
            (_, _) => return None,
        })
    }

    fn find_desk(method: Method, path: &[&str]) -> Option<Route> {
        use Method::{Get, Post};
        let own = |text: &&str| (*text).to_owned();
        Some(match (method, path) {
            (Post, []) => Route::RegisterDesk,
            (Get, ["merchant", point, account @ ..]) => {
                Route::Desks { point_id: own(point), account_id: join(account)? }
            }
            (Post, [id]) => Route::Desk(own(id)),
            (Post, [id, "activate"]) => Route::Activate(own(id)),
            (Post, [id, "deactivate"]) => Route::Deactivate(own(id)),
            (Post, [id, "account"]) => Route::MoveDesk(own(id)),
            (Get, [id, "status"]) => Route::DeskStatus(own(id)),
            (Get, [id, "operation"]) => Route::DeskOperation(own(id)),
            (_, _) => return None,
        })
    }

    pub(in crate::tochka::emulator) fn needs(&self) -> Needs {
        match self {
            Route::Customer { .. }
            | Route::Company(_)
            | Route::Accounts(_)
            | Route::Points(_)
            | Route::Point(_)
            | Route::Code(_)
            | Route::Codes(_)
            | Route::States(_)
            | Route::Desks { .. }
            | Route::Desk(_)
            | Route::DeskStatus(_)
            | Route::DeskOperation(_)
            | Route::Invoice(_)
            | Route::Payments
            | Route::RefundState(_) => Needs::All(&["ReadSBPData"]),
            Route::RegisterCompany
            | Route::SetCompany(_)
            | Route::RegisterPoint(_)
            | Route::SetPoint(_)
            | Route::Register { .. }
            | Route::RegisterDesk
            | Route::Activate(_)
            | Route::Deactivate(_)
            | Route::MoveDesk(_)
            | Route::RegisterInvoice { .. }
            | Route::Refund => Needs::All(&["EditSBPData"]),
        }
    }
}

/// One escaped segment, or number and BIK as two raw ones.
fn join(parts: &[&str]) -> Option<String> {
    match parts {
        [whole] => Some((*whole).to_owned()),
        [number, bik] => Some(format!("{number}/{bik}")),
        _ => None,
    }
}

impl TochkaEmulator {
    pub(in crate::tochka::emulator) fn answer_sbp(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        route: Route,
    ) -> Result<Served, Problem> {
        match route {
            Route::Customer { customer_code, bank_code } => {
                self.sbp_customer(call, grant, &customer_code, &bank_code)
            }
            Route::RegisterCompany => self.register_company(call, grant),
            Route::Company(id) => self.sbp_company(call, grant, &id),
            Route::SetCompany(id) => self.set_company(call, grant, &id),
            Route::Accounts(id) => self.sbp_accounts(call, grant, &id),
            Route::RegisterPoint(id) => self.register_point(call, grant, &id),
            Route::Points(id) => self.sbp_points(call, grant, &id),
            Route::Point(id) => self.sbp_point(call, grant, &id),
            Route::SetPoint(id) => self.set_point(call, grant, &id),
            Route::Register { point_id, account_id } => {
                self.register_code(call, grant, &point_id, &account_id)
            }
            Route::Code(id) => self.sbp_code(call, grant, &id),
            Route::Codes(id) => self.sbp_codes(call, grant, &id),
            Route::States(ids) => self.code_states(call, grant, &ids),
            Route::RegisterDesk => self.register_desk(call, grant),
            Route::Desks { point_id, account_id } => {
                self.desks(call, grant, &point_id, &account_id)
            }
            Route::Desk(id) => self.desk(call, grant, &id),
            Route::Activate(id) => self.arm_desk(call, grant, &id),
            Route::Deactivate(id) => self.disarm_desk(call, grant, &id),
            Route::MoveDesk(id) => self.move_desk(call, grant, &id),
            Route::DeskStatus(id) => self.desk_status(call, grant, &id),
            Route::DeskOperation(id) => self.desk_operation(call, grant, &id),
            Route::RegisterInvoice { point_id, account_id } => {
                self.register_invoice(call, grant, &point_id, &account_id)
            }
            Route::Invoice(id) => self.sbp_invoice(call, grant, &id),
            Route::Payments => self.sbp_payments(call, grant),
            Route::Refund => self.start_sbp_refund(call, grant),
            Route::RefundState(id) => self.sbp_refund_state(call, grant, &id),
        }
    }
}
