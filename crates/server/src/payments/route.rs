//! Which bank carries a payment whose shop left the choice to its rule: pure.

use kopeck_banks::op::PayMethod;

use crate::shops::model::{Connection, Routing};

/// A bank that may carry the payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub connection_id: String,
    pub bank: String,
    /// The ways to pay that the rule and the bank let it carry, in the payment's order.
    pub methods: Vec<PayMethod>,
    /// Those for which it is the first choice.
    pub first_for: Vec<PayMethod>,
    /// It refused to open the payment: not tried again.
    pub is_out: bool,
}

impl Route {
    /// What the bank is asked to offer when the link opens there by itself.
    pub fn own_methods(&self) -> Vec<PayMethod> {
        let own = if self.first_for.is_empty() { &self.methods } else { &self.first_for };
        own.clone()
    }
}

/// A connection, and how its bank has been lately.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub connection: Connection,
    pub is_healthy: bool,
    /// What of the wanted ways to pay the bank has at all.
    pub methods: Vec<PayMethod>,
}

/// The routes of a payment, the best first. Of each way to pay the first choice is a healthy bank,
/// as the rule prefers them; banks that the rule does not name come after those that it does, the
/// one connected last first. A rule for one way to pay names all the banks that may carry it.
pub fn choose(rule: &Routing, wanted: &[PayMethod], candidates: &[Candidate]) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for method in wanted {
        for (place, candidate) in rank(rule, *method, candidates).into_iter().enumerate() {
            let id = &candidate.connection.id;
            let at = routes.iter().position(|route| route.connection_id == *id);
            let at = at.unwrap_or_else(|| {
                routes.push(Route {
                    connection_id: id.clone(),
                    bank: candidate.connection.bank.clone(),
                    methods: Vec::new(),
                    first_for: Vec::new(),
                    is_out: false,
                });
                routes.len() - 1
            });
            if let Some(route) = routes.get_mut(at) {
                route.methods.push(*method);
                if place == 0 {
                    route.first_for.push(*method);
                }
            }
        }
    }
    routes
}

/// The banks that may carry this way to pay, the best first.
fn rank<'a>(rule: &Routing, method: PayMethod, candidates: &'a [Candidate]) -> Vec<&'a Candidate> {
    let own = rule.by_method.get(&method);
    let order = own.unwrap_or(&rule.order);
    let place = |candidate: &Candidate| {
        let connection = &candidate.connection;
        order.iter().position(|word| *word == connection.bank || *word == connection.id)
    };
    let able = candidates.iter().filter(|candidate| candidate.methods.contains(&method));
    let mut able: Vec<&Candidate> =
        able.filter(|candidate| own.is_none() || place(candidate).is_some()).collect();
    // The sort is stable, so equals stay as they came.
    able.sort_by_key(|candidate| (!candidate.is_healthy, place(candidate).unwrap_or(usize::MAX)));
    able
}
