//! Who takes money by codes of SBP: the company and its points of sale, as SBP knows them. Words
//! only; which bank has them is in [`crate::Capabilities`].

use jiff::Timestamp;

use super::CodeKind;

/// From a company that SBP does not know to a point that codes can be made for. The company is the
/// one of the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupOp {
    /// The company with its points and accounts; refused as not found before it is registered.
    ShowCompany,
    /// Asked again, it answers with the same id or is refused as a duplicate: look then.
    RegisterCompany,
    /// The same company by its id in SBP, without points and accounts.
    FindCompany {
        company_id: String,
    },
    SetCompany {
        company_id: String,
        is_active: bool,
    },
    Accounts {
        company_id: String,
    },
    /// Not to be repeated blindly: two points of one name may exist. [`SetupOp::Points`] tells.
    RegisterPoint {
        company_id: String,
        point: NewPoint,
    },
    Points {
        company_id: String,
    },
    ShowPoint {
        point_id: String,
    },
    /// A suspended point's codes take no money.
    SetPoint {
        point_id: String,
        is_active: bool,
    },
}

/// A point of sale to be registered. Its codes may be of every kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewPoint {
    /// What payers see as the recipient.
    pub brand: String,
    pub address: String,
    pub city: String,
    /// The first two digits of OKTMO: `45` is Moscow.
    pub region: String,
    pub postcode: String,
    /// What is sold: four digits.
    pub mcc: String,
    pub phone: Option<String>,
    /// Payers stand before it; else they pay from afar.
    pub is_face_to_face: bool,
    /// Companies pay there, not people.
    pub is_for_companies: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SbpCompany {
    pub id: String,
    pub name: String,
    pub is_active: bool,
    pub tax_code: Option<String>,
    pub customer_code: Option<String>,
    pub created_at: Option<Timestamp>,
    /// Empty also where the source does not tell.
    pub points: Vec<SbpPoint>,
    pub accounts: Vec<SbpAccount>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SbpPoint {
    pub id: String,
    pub company_id: Option<String>,
    pub brand: String,
    pub is_active: bool,
    pub address: Option<String>,
    pub city: Option<String>,
    pub mcc: Option<String>,
    /// The kinds of codes that it may make.
    pub kinds: Vec<CodeKind>,
    pub created_at: Option<Timestamp>,
}

/// An account that money may be sent to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SbpAccount {
    /// Number and BIK: `40702810…/044525104`.
    pub account_id: String,
    pub company_id: Option<String>,
    pub is_active: bool,
}
