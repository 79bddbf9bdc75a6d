//! Codes of cash desks: one link for ever, armed with a sum for each payment.

use super::{
    codes::{Draft, parse_picture, print_made},
    state::{Arming, Code, Kind},
};
use crate::{
    emulator::{
        Served,
        json::{Obj, array},
    },
    tochka::emulator::{
        TochkaEmulator,
        acquiring::required_query,
        fields::Fields,
        grants::Grant,
        problem::Problem,
        route::Call,
        time::{self, MINUTE_MS},
    },
};

/// The document's own limit is far above SBP's.
const MAX_KOPECKS: i64 = 999_999_999_999;
const DEFAULT_TTL_MINUTES: u32 = 5;
const MAX_SIDE: u32 = 2_000;

fn print_desk(code: &Code, now_ms: i64) -> Obj {
    let obj = Obj::new()
        .text("payload", &code.payload)
        .text("accountId", &code.account_id)
        .text("merchantId", &code.point_id)
        .text("legalId", &code.company_id)
        .text("createdAt", &time::print(code.created_ms))
        .text("qrcId", &code.id)
        .text_if("redirectUrl", code.redirect_url.as_deref());
    // The guide: these are told only while it is active.
    match code.armed(now_ms) {
        Some(arming) => obj
            .raw("amount", &arming.amount.to_string())
            .text("currency", "RUB")
            .text_if("paymentPurpose", arming.purpose.as_deref())
            .text("paramsId", &arming.id)
            .raw("ttl", &arming.ttl_minutes.to_string()),
        None => obj,
    }
}

impl TochkaEmulator {
    fn find_desk(&self, grant: &Grant, id: &str) -> Result<&Code, Problem> {
        self.find_code(grant, id, |kind| kind == Kind::Desk)
    }

    pub(super) fn register_desk(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let point_id = fields.required("merchantId", fields.text("merchantId", 1..=12)?)?;
        let account_id = fields.required("accountId", fields.any_text("accountId")?)?;
        let picture = parse_picture(&fields, MAX_SIDE)?;
        let draft = Draft {
            kind: Kind::Desk,
            amount: None,
            vat: None,
            purpose: None,
            ttl_minutes: None,
            uip: None,
            redirect_url: fields.url("redirectUrl")?,
            source: None,
        };
        let code = self.make_code(call, grant, (&point_id, &account_id), draft)?;
        Ok(call.reply(&print_made(&code, picture.as_ref())))
    }

    pub(super) fn desks(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        point_id: &str,
        account_id: &str,
    ) -> Result<Served, Problem> {
        self.check_account(grant, point_id, account_id)?;
        let sbp = &self.state.sbp;
        let codes = sbp.sequence.iter().filter_map(|id| sbp.codes.get(id));
        let own = codes.filter(|code| {
            code.kind == Kind::Desk && code.point_id == point_id && code.account_id == account_id
        });
        let list = array(own.map(|code| print_desk(code, call.now_ms).end()));
        Ok(call.reply(&Obj::new().raw("qrCodes", &list).end()))
    }

    /// A read, for all its method; the body may only say how large the picture shall be.
    pub(super) fn desk(&self, call: &Call<'_>, grant: &Grant, id: &str) -> Result<Served, Problem> {
        let picture = match call.request.body.as_slice() {
            [] => None,
            body => parse_picture(&Fields::of_data(body)?, MAX_SIDE)?,
        };
        let code = self.find_desk(grant, id)?;
        let picture = picture.map(|picture| picture.print(&code.payload));
        let data = print_desk(code, call.now_ms).raw_if("image", picture.as_deref());
        Ok(call.reply(&data.end()))
    }

    pub(super) fn arm_desk(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let amount = fields.required("amount", fields.kopecks("amount", MAX_KOPECKS)?)?;
        fields.word("currency", &["RUB"])?;
        let purpose = fields.text("paymentPurpose", 0..=140)?;
        let ttl_minutes = fields.integer("ttl", 5..=20)?.unwrap_or(DEFAULT_TTL_MINUTES);
        let code = self.find_desk(grant, id)?;
        if !self.state.sbp.is_active(code) {
            return Err(Problem::refused("ТСП заблокировано в СБП"));
        }
        if code.armed(call.now_ms).is_some() {
            return Err(Problem::refused("QR-код уже активирован и ожидает оплаты"));
        }
        let params_id = self.state.mint.sbp("AS");
        let until_ms = call.now_ms.saturating_add(i64::from(ttl_minutes) * MINUTE_MS);
        let data = Obj::new()
            .text("qrcId", id)
            .raw("amount", &amount.to_string())
            .text("currency", "RUB")
            .text("paramsId", &params_id)
            .text_if("paymentPurpose", purpose.as_deref());
        let arming =
            Arming { id: params_id, amount, purpose, ttl_minutes, until_ms, is_over: false };
        if let Some(code) = self.state.sbp.codes.get_mut(id) {
            code.armings.push(arming);
        }
        Ok(call.reply(&data.end()))
    }

    pub(super) fn disarm_desk(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        if self.find_desk(grant, id)?.armed(call.now_ms).is_none() {
            return Err(Problem::refused("QR-код не активирован"));
        }
        self.end_arming(id);
        Ok(call.reply(r#"{"result":true}"#))
    }

    /// It was paid, or nobody waits for it any more.
    pub(super) fn end_arming(&mut self, id: &str) {
        let code = self.state.sbp.codes.get_mut(id);
        if let Some(arming) = code.and_then(|code| code.armings.last_mut()) {
            arming.is_over = true;
        }
    }

    pub(super) fn move_desk(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let account_id = fields.required("accountId", fields.any_text("accountId")?)?;
        let point_id = self.find_desk(grant, id)?.point_id.clone();
        self.check_account(grant, &point_id, &account_id)?;
        let data = Obj::new().text("accountId", &account_id).text("qrcId", id);
        if let Some(code) = self.state.sbp.codes.get_mut(id) {
            code.account_id = account_id;
        }
        Ok(call.reply(&data.end()))
    }

    pub(super) fn desk_status(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let code = self.find_desk(grant, id)?;
        let is_armed = code.armed(call.now_ms).is_some();
        let status = if is_armed { "WAITING_PAYMENT" } else { "INACTIVATED" };
        let params_id = code.armings.last().map_or("", |arming| arming.id.as_str());
        let data = Obj::new().text("status", status).text("paramsId", params_id);
        Ok(call.reply(&data.end()))
    }

    pub(super) fn desk_operation(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let params_id = required_query(call, "paramsId")?;
        let code = self.find_desk(grant, id)?;
        if !code.armings.iter().any(|arming| arming.id == params_id) {
            return Err(Problem::absent("Operation not found"));
        }
        let is_armed = code.armed(call.now_ms).is_some_and(|arming| arming.id == params_id);
        let obj = Obj::new()
            .text("qrCodeStatus", if is_armed { "WAITING_PAYMENT" } else { "DEACTIVATED" });
        let transfers = self.state.sbp.transfers.iter().rev();
        let mut own = transfers.filter(|own| own.arming_id.as_ref() == Some(&params_id));
        let data = match own.next() {
            Some(transfer) => obj
                .text("trxStatus", if transfer.is_paid() { "ACWP" } else { "RJCT" })
                .text("trxId", &transfer.trx_id)
                .raw("amount", &transfer.amount.to_string())
                .text("dateTime", &time::print(transfer.at_ms))
                .text("payerId", &hide(&transfer.payer_phone)),
            None => obj.text("trxStatus", "NTST"),
        };
        Ok(call.reply(&data.end()))
    }
}

/// `*********6731`.
fn hide(phone: &str) -> String {
    let length = phone.chars().count();
    let tail: String = phone.chars().skip(length.saturating_sub(4)).collect();
    format!("{}{tail}", "*".repeat(9))
}
