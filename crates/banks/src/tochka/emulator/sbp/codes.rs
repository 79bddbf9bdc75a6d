//! Static and dynamic codes, and what all kinds share.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    png,
    setup::status_word,
    state::{Code, Kind},
};
use crate::{
    emulator::{
        Served,
        json::{Obj, array},
        nspk,
    },
    money::Money,
    tochka::emulator::{
        TochkaEmulator,
        directory::CUSTOMERS,
        fields::Fields,
        grants::Grant,
        problem::Problem,
        route::Call,
        time::{self, MINUTE_MS},
    },
};

/// One million rubles: SBP's own limit of one payment.
pub(super) const MAX_KOPECKS: i64 = 100_000_000;
const MAX_TTL_MINUTES: u32 = 129_600;
const DEFAULT_TTL_MINUTES: u32 = 4_320;
/// Tochka's id in SBP.
const MEMBER: &str = "100000000284";
const COMMISSION: &str = "0.4";
const ABSENT: &str = "QR code not found";

/// A picture that is wanted.
pub(super) struct Picture {
    width: u32,
    height: u32,
    is_svg: bool,
}

pub(super) fn parse_picture(fields: &Fields, most: u32) -> Result<Option<Picture>, Problem> {
    let Some(fields) = fields.object("imageParams")? else { return Ok(None) };
    let media = fields.word("mediaType", &["image/png", "image/svg+xml"])?;
    let is_svg = media.as_deref() == Some("image/svg+xml");
    let side = |key: &str| fields.required(key, fields.integer(key, 200..=most)?);
    Ok(Some(Picture { width: side("width")?, height: side("height")?, is_svg }))
}

impl Picture {
    pub(super) fn sized(width: u32, height: u32) -> Picture {
        Picture { width, height, is_svg: false }
    }

    /// PNG goes in base64, SVG as its own text.
    pub(super) fn print(&self, payload: &str) -> String {
        let (media, content) = if self.is_svg {
            ("image/svg+xml", nspk::picture(payload, self.width.min(self.height)))
        } else {
            ("image/png", STANDARD.encode(png::draw(payload, self.width, self.height)))
        };
        Obj::new()
            .raw("width", &self.width.to_string())
            .raw("height", &self.height.to_string())
            .text("mediaType", media)
            .text("content", &content)
            .end()
    }
}

pub(super) fn ttl(fields: &Fields) -> Result<u32, Problem> {
    Ok(fields.integer("ttl", 1..=MAX_TTL_MINUTES)?.unwrap_or(DEFAULT_TTL_MINUTES))
}

/// What a new code is made of beside its place.
pub(super) struct Draft {
    pub(super) kind: Kind,
    pub(super) amount: Option<i64>,
    pub(super) vat: Option<i64>,
    pub(super) purpose: Option<String>,
    pub(super) ttl_minutes: Option<u32>,
    pub(super) uip: Option<String>,
    pub(super) redirect_url: Option<String>,
    pub(super) source: Option<String>,
}

fn parse_draft(fields: &Fields) -> Result<Draft, Problem> {
    let kind = match fields.required("qrcType", fields.word("qrcType", &["01", "02"])?)?.as_str() {
        "01" => Kind::Static,
        _ => Kind::Dynamic,
    };
    fields.word("currency", &["RUB"])?;
    let amount = fields.kopecks("amount", MAX_KOPECKS)?;
    let ttl_minutes = ttl(fields)?;
    let is_dynamic = kind == Kind::Dynamic;
    if is_dynamic && amount.is_none() {
        return Err(fields.problem("amount", "field required"));
    }
    Ok(Draft {
        kind,
        amount,
        vat: None,
        purpose: Some(fields.required("paymentPurpose", fields.text("paymentPurpose", 1..=140)?)?),
        ttl_minutes: is_dynamic.then_some(ttl_minutes),
        uip: None,
        redirect_url: fields.url("redirectUrl")?,
        source: fields.any_text("sourceName")?,
    })
}

impl TochkaEmulator {
    /// A code that the token may see.
    pub(super) fn find_code(
        &self,
        grant: &Grant,
        id: &str,
        is_wanted: impl Fn(Kind) -> bool,
    ) -> Result<&Code, Problem> {
        let code = self.state.sbp.codes.get(id).filter(|code| is_wanted(code.kind));
        let code = code.ok_or_else(|| Problem::absent(ABSENT))?;
        self.find_company(grant, &code.company_id)?;
        Ok(code)
    }

    /// An account of the company of this point.
    pub(super) fn check_account(
        &self,
        grant: &Grant,
        point_id: &str,
        account_id: &str,
    ) -> Result<(), Problem> {
        let point = self.find_point(grant, point_id)?;
        let company = self.find_company(grant, &point.company_id)?;
        let mut own = CUSTOMERS.iter().filter(|one| one.code == company.customer_code);
        if own.any(|one| one.account == account_id) { Ok(()) } else { Err(Problem::forbidden()) }
    }

    pub(super) fn make_code(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        (point_id, account_id): (&str, &str),
        draft: Draft,
    ) -> Result<Code, Problem> {
        self.check_account(grant, point_id, account_id)?;
        let point = self.find_point(grant, point_id)?;
        let company = self.find_company(grant, &point.company_id)?;
        if !point.is_active || !company.is_active {
            return Err(Problem::refused("ТСП заблокировано в СБП"));
        }
        let (digit, prefix, link) = match draft.kind {
            Kind::Static => (2, "AS", nspk::Kind::Static),
            Kind::Dynamic => (1, "AD", nspk::Kind::Dynamic),
            Kind::Desk => (0, "AS", nspk::Kind::Static),
            Kind::Invoice => (1, "BD", nspk::Kind::Dynamic),
        };
        if point.capabilities.as_bytes().get(digit) != Some(&b'1') {
            return Err(Problem::refused("ТСП не может формировать QR-коды этого типа"));
        }
        let company_id = point.company_id.clone();
        let id = self.state.mint.sbp(prefix);
        let sum = draft.amount.and_then(|kopecks| Money::from_kopecks(kopecks).ok());
        let life = |ttl: u32| call.now_ms.saturating_add(i64::from(ttl) * MINUTE_MS);
        let code = Code {
            payload: nspk::payload(link, &id, MEMBER, sum),
            kind: draft.kind,
            point_id: point_id.to_owned(),
            company_id,
            account_id: account_id.to_owned(),
            amount: draft.amount,
            vat: draft.vat,
            purpose: draft.purpose,
            ttl_minutes: draft.ttl_minutes,
            uip: draft.uip,
            redirect_url: draft.redirect_url,
            source: draft.source,
            created_ms: call.now_ms,
            expires_ms: draft.ttl_minutes.map(life),
            armings: Vec::new(),
            spoiled: None,
            notices: Vec::new(),
            id,
        };
        self.state.sbp.sequence.push(code.id.clone());
        self.state.sbp.codes.insert(code.id.clone(), code.clone());
        Ok(code)
    }

    pub(super) fn register_code(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        point_id: &str,
        account_id: &str,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let picture = parse_picture(&fields, 2_000)?;
        let draft = parse_draft(&fields)?;
        let code = self.make_code(call, grant, (point_id, account_id), draft)?;
        Ok(call.reply(&print_made(&code, picture.as_ref())))
    }

    fn print_code(&self, code: &Code) -> String {
        let mut obj = Obj::new()
            .text("status", status_word(self.state.sbp.is_active(code)))
            .text("payload", &code.payload)
            .text("accountId", &code.account_id)
            .text("createdAt", &time::print(code.created_ms))
            .text("merchantId", &code.point_id)
            .text("legalId", &code.company_id)
            .text("qrcId", &code.id);
        if let Some(kopecks) = code.amount {
            obj = obj.raw("amount", &kopecks.to_string());
        }
        if let Some(minutes) = code.ttl_minutes {
            obj = obj.text("ttl", &minutes.to_string());
        }
        obj.text_if("paymentPurpose", code.purpose.as_deref())
            .raw("commissionPercent", COMMISSION)
            .text("currency", "RUB")
            .text("qrcType", if code.kind == Kind::Dynamic { "02" } else { "01" })
            .text("templateVersion", "01")
            .text_if("sourceName", code.source.as_deref())
            .end()
    }

    pub(super) fn sbp_code(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let code = self.find_code(grant, id, is_plain)?;
        Ok(call.reply(&self.print_code(code)))
    }

    pub(super) fn sbp_codes(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        company_id: &str,
    ) -> Result<Served, Problem> {
        self.find_company(grant, company_id)?;
        let sbp = &self.state.sbp;
        let codes = sbp.sequence.iter().rev().filter_map(|id| sbp.codes.get(id));
        let own = codes.filter(|code| code.company_id == company_id && is_plain(code.kind));
        let list = array(own.map(|code| self.print_code(code)));
        Ok(call.reply(&Obj::new().raw("qrCodeList", &list).end()))
    }

    /// Each id once, in the order of asking.
    pub(super) fn code_states(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        ids: &str,
    ) -> Result<Served, Problem> {
        let mut seen = BTreeSet::new();
        let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty() && seen.insert(*id));
        let list = array(ids.map(|id| self.print_state(call, grant, id)));
        Ok(call.reply(&Obj::new().raw("paymentList", &list).end()))
    }

    fn print_state(&self, call: &Call<'_>, grant: &Grant, id: &str) -> String {
        let code = self.find_code(grant, id, |kind| kind == Kind::Dynamic).ok();
        let state = code.and_then(|code| self.state.sbp.state(code, call.now_ms));
        let obj = Obj::new().text("qrcId", id);
        match state {
            Some((status, transfer)) => obj
                .text("code", "RQ00000")
                .text("status", status)
                .text("message", "Запрос обработан успешно")
                .text_if("trxId", transfer.map(|own| own.trx_id.as_str()))
                .end(),
            None => obj.text("code", "RQ05014").text("message", "QR-код не найден").end(),
        }
    }
}

/// The document's two lists are apart: these, and the cash desks'.
fn is_plain(kind: Kind) -> bool {
    match kind {
        Kind::Static | Kind::Dynamic => true,
        Kind::Desk | Kind::Invoice => false,
    }
}

pub(super) fn print_made(code: &Code, picture: Option<&Picture>) -> String {
    let picture = picture.map(|picture| picture.print(&code.payload));
    Obj::new()
        .text("payload", &code.payload)
        .text("qrcId", &code.id)
        .raw_if("image", picture.as_deref())
        .end()
}
