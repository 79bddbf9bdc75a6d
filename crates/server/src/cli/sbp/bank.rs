//! Questions about SBP to the bank, each refusal told with what to do about it. Nothing here is
//! sent twice.

use kopeck_banks::{
    op::{
        Answer, BankOp, CodeKind, CodeOp, Outcome, RefusalClass, SbpAccount, SbpCode, SbpCompany,
        SbpOp, SbpPoint, SbpWord, SetupOp,
    },
    tochka::codes::permission,
};

use crate::{
    cli::{connect::strange, context::World, fail::Fail},
    gateway::flow::{ask_now, refusal_of},
    shops::model::Connection,
};

/// What came of a request that makes something.
pub enum Made<T> {
    Done(T),
    /// It is there already.
    Taken,
    /// No answer: whether it was made, only a look tells.
    Lost(String),
}

/// The bank, as one connection of the shop reaches it.
pub struct Bank<'a> {
    pub world: &'a World,
    pub connection: Connection,
}

impl Bank<'_> {
    async fn ask(&self, op: &BankOp) -> Result<Outcome, Fail> {
        Ok(ask_now(&self.world.ctx, &self.connection, op).await?)
    }

    async fn read(&self, op: SbpOp) -> Result<SbpWord, Fail> {
        let op = BankOp::Sbp(op);
        let outcome = self.ask(&op).await?;
        let Outcome::Done(Answer::Sbp(word)) = outcome else { return Err(explain(&op, outcome)) };
        Ok(word)
    }

    /// `None` when SBP does not know the company.
    pub async fn find_company(&self) -> Result<Option<SbpCompany>, Fail> {
        let op = BankOp::Sbp(SbpOp::Setup(SetupOp::ShowCompany));
        let outcome = self.ask(&op).await?;
        if matches!(&outcome, Outcome::Refused(it) if it.class == RefusalClass::NotFound) {
            return Ok(None);
        }
        let Outcome::Done(Answer::Sbp(SbpWord::Company(company))) = outcome else {
            return Err(explain(&op, outcome));
        };
        Ok(Some(company))
    }

    pub async fn accounts(&self, company_id: &str) -> Result<Vec<SbpAccount>, Fail> {
        let company_id = company_id.to_owned();
        let word = self.read(SbpOp::Setup(SetupOp::Accounts { company_id })).await?;
        let SbpWord::Accounts(accounts) = word else { return Err(strange(Answer::Sbp(word))) };
        Ok(accounts)
    }

    pub async fn points(&self, company_id: &str) -> Result<Vec<SbpPoint>, Fail> {
        let company_id = company_id.to_owned();
        let word = self.read(SbpOp::Setup(SetupOp::Points { company_id })).await?;
        let SbpWord::Points(points) = word else { return Err(strange(Answer::Sbp(word))) };
        Ok(points)
    }

    /// The codes that hang on walls: static ones that are active.
    pub async fn static_codes(&self, company_id: &str) -> Result<Vec<SbpCode>, Fail> {
        let company_id = company_id.to_owned();
        let word = self.read(SbpOp::Code(CodeOp::List { company_id })).await?;
        let SbpWord::Codes(mut codes) = word else { return Err(strange(Answer::Sbp(word))) };
        codes.retain(|it| it.kind == Some(CodeKind::Static) && it.is_active != Some(false));
        Ok(codes)
    }

    /// Sends a request that makes something, once.
    pub async fn make(&self, op: SbpOp) -> Result<Made<SbpWord>, Fail> {
        let op = BankOp::Sbp(op);
        match self.ask(&op).await? {
            Outcome::Done(Answer::Sbp(word)) => Ok(Made::Done(word)),
            Outcome::Refused(refusal) if refusal.class == RefusalClass::Duplicate => {
                Ok(Made::Taken)
            }
            Outcome::Unknown { why } => Ok(Made::Lost(why)),
            other @ (Outcome::Done(_)
            | Outcome::Refused(_)
            | Outcome::Busy { .. }
            | Outcome::NotSent { .. }) => Err(explain(&op, other)),
        }
    }
}

/// Why there is no answer. The bank has one word for a key without a permission and for a foreign
/// id, so the permission is named together with where it is given.
fn explain(op: &BankOp, outcome: Outcome) -> Fail {
    let refusal = refusal_of(outcome);
    let Some(permission) = permission(op).filter(|_| refusal.code == "bank_permission_missing")
    else {
        return refusal.into();
    };
    let message = format!("The bank refuses: the key lacks {permission}. {}", refusal.message);
    let hint = format!(
        "Internet bank → Интеграции и API: make the JWT key again with {permission} allowed and \
         save it with `kopeck init --token JWT`; connected by OAuth, run `kopeck init --oauth` \
         again and agree to it. If the key has it: {}",
        refusal.hint
    );
    Fail::new("sbp_permission_missing", message, hint).param(permission)
}
