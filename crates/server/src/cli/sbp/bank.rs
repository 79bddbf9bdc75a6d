//! Questions about SBP to the bank, each refusal told with what to do about it. Nothing here is
//! sent twice.

use kopeck_banks::{
    op::{
        Answer, BankOp, Outcome, RefusalClass, SbpAccount, SbpCompany, SbpOp, SbpPoint, SbpWord,
        SetupOp,
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

    /// Whether the key may register anything, before a person is asked for what it would be. Asked
    /// of a company that SBP knows already, so nothing can come of it.
    pub async fn check_may_edit(&self) -> Result<(), Fail> {
        self.make(SbpOp::Setup(SetupOp::RegisterCompany)).await.map(|_| ())
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

/// What a key needs for codes of SBP, and for what.
const NEEDED: [(&str, &str); 3] = [
    ("ReadSBPData", "to see the company, its points and who paid"),
    ("EditSBPData", "to register them, to make codes, to arm desks and to send money back"),
    ("ReadStatements", "to learn the sums that no notice told"),
];

/// Why there is no answer. The bank has one word for a key without a permission and for a foreign
/// id, so the permission is named together with where it is given.
fn explain(op: &BankOp, outcome: Outcome) -> Fail {
    let refusal = refusal_of(outcome);
    let Some(permission) = permission(op).filter(|_| refusal.code == "bank_permission_missing")
    else {
        return refusal.into();
    };
    lacks(permission, &refusal.message, &refusal.hint)
}

/// The key lacks this permission; all that SBP needs are told, so that it is made again once.
pub fn lacks(permission: &str, message: &str, hint: &str) -> Fail {
    let message = format!("The bank refuses: the key lacks {permission}. {message}");
    let needed: Vec<String> =
        NEEDED.iter().map(|(name, what)| format!("{name} ({what})")).collect();
    let hint = format!(
        "Internet bank → Интеграции и API: make the JWT key again with {permission} allowed and \
         save it with `kopeck init --token JWT`; connected by OAuth, run `kopeck init --oauth` \
         again and agree to it. Codes of SBP need {}. If the key has it: {hint}",
        needed.join(", "),
    );
    Fail::new("sbp_permission_missing", message, hint).param(permission)
}
