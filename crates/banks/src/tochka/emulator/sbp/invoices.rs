//! Codes that only companies pay (B2B).

use super::{
    codes::{Draft, MAX_KOPECKS, Picture, print_made, ttl},
    state::Kind,
};
use crate::{
    emulator::{Served, json::Obj},
    tochka::emulator::{
        TochkaEmulator, fields::Fields, grants::Grant, problem::Problem, route::Call, time,
    },
};

/// The side of a picture that is not asked for otherwise.
const SIDE: u32 = 300;

fn parse_draft(fields: &Fields) -> Result<Draft, Problem> {
    let amount = fields.required("amount", fields.kopecks("amount", MAX_KOPECKS)?)?;
    let has_vat = fields.required("takeTax", fields.flag("takeTax")?)?;
    let vat = fields.kopecks("totalTaxAmount", MAX_KOPECKS)?;
    if has_vat && vat.is_none() {
        return Err(fields.problem("totalTaxAmount", "field required"));
    }
    Ok(Draft {
        kind: Kind::Invoice,
        amount: Some(amount),
        vat: vat.filter(|_| has_vat),
        purpose: Some(fields.required("paymentPurpose", fields.text("paymentPurpose", 1..=140)?)?),
        ttl_minutes: Some(ttl(fields)?),
        uip: fields.text("uip", 0..=35)?,
        redirect_url: fields.url("redirectUrl")?,
        source: Some(fields.required("sourceName", fields.text("sourceName", 0..=50)?)?),
    })
}

fn side(call: &Call<'_>, key: &str) -> Result<u32, Problem> {
    let Some(text) = call.find_query(key) else { return Ok(SIDE) };
    let side = text.parse().ok().filter(|side| (200..=2_000).contains(side));
    side.ok_or_else(|| Problem::invalid(key, "value must be an integer from 200 to 2000"))
}

impl TochkaEmulator {
    pub(super) fn register_invoice(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        point_id: &str,
        account_id: &str,
    ) -> Result<Served, Problem> {
        let draft = parse_draft(&Fields::of_data(&call.request.body)?)?;
        let code = self.make_code(call, grant, (point_id, account_id), draft)?;
        Ok(call.reply(&print_made(&code, None)))
    }

    pub(super) fn sbp_invoice(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let picture = Picture::sized(side(call, "width")?, side(call, "height")?);
        let code = self.find_code(grant, id, |kind| kind == Kind::Invoice)?;
        let number = |kopecks: i64| kopecks.to_string();
        let data = Obj::new()
            .text("payload", &code.payload)
            .text("accountId", &code.account_id)
            .text("createdAt", &time::print(code.created_ms))
            .text("merchantId", &code.point_id)
            .text("legalId", &code.company_id)
            .text("qrcId", &code.id)
            .raw_if("amount", code.amount.map(number).as_deref())
            .text_if("ttl", code.ttl_minutes.map(|ttl| ttl.to_string()).as_deref())
            .text_if("paymentPurpose", code.purpose.as_deref())
            .raw("image", &picture.print(&code.payload))
            .text_if("redirectUrl", code.redirect_url.as_deref())
            .flag("takeTax", code.vat.is_some())
            .raw_if("totalTaxAmount", code.vat.map(number).as_deref())
            .text_if("uip", code.uip.as_deref());
        Ok(call.reply(&data.end()))
    }
}
