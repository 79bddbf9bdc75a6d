//! What every bank must do against its own emulator, in the merchant's words: the same scenarios
//! for each. A new bank passes them by one call of [`run`] with its [`Setup`].
//!
//! The scenarios know no bank. What a bank cannot do, or does its own way, is said by its
//! [`Capabilities`] and by the fields of its setup; [`run`] returns the names of what was left
//! out, so that a test can say that nothing else was.
//!
//! | file | holds |
//! |---|---|
//! | `bench` | a bank, its emulator, two clocks and the way between them |
//! | `paying`, `holding`, `refunding`, `sbp_links` | what happens to money |
//! | `silence` | lost replies, broken gateways, skewed clocks, restarts |
//! | `charging` | cards that the bank keeps, charged without the payer |
//! | `notices` | what the bank tells by itself, and where to |
//! | `access` | tokens, permissions, OAuth |
//! | `reading` | lists, the register, the directory |
//! | `sbp`, `desks` | SBP codes that live by themselves |

mod access;
mod bench;
mod charging;
mod desks;
mod holding;
mod notices;
mod paying;
mod reading;
mod refunding;
mod sbp;
mod sbp_links;
mod silence;

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use jiff::SignedDuration;

use crate::{
    bank::{Bank, Capabilities, Credentials},
    emulator::Emulator,
    http::HttpRequest,
    op::{PayMethod, Wallet},
};
use bench::Bench;

/// A bank on the bench. Each scenario gets a fresh emulator.
pub struct Setup {
    pub bank: &'static dyn Bank,
    pub emulator: fn() -> Box<dyn Emulator>,
    /// The same bank after it changed the key that it signs notices with; `None` when its notices
    /// are not signed by published keys.
    pub rekeyed: Option<fn() -> Box<dyn Emulator>>,
    pub credentials: fn() -> Credentials,
    pub keys: Keys,
    /// The ways to pay that this terminal has switched on.
    pub methods: &'static [PayMethod],
    pub approving_card: &'static str,
    /// Each makes an attempt fail.
    pub declining_cards: &'static [&'static str],
    /// The declined attempt that closes a link; `None` when a link outlives them all.
    pub last_attempt: Option<usize>,
    /// Whether a kept card may be charged without the payer.
    pub charges_cards: bool,
    /// Whether a reference names one payment for good.
    pub unique_references: bool,
    /// How long after a payment's beginning its hold is given back by itself.
    pub hold_life: SignedDuration,
    /// Whether the end of a hold, or of a link closed by us, is announced.
    pub tells_releases: bool,
    /// `None` where a terminal takes no SBP.
    pub sbp: Option<Sbp>,
    /// Wallets whose links can be asked for, and whether as a picture too.
    pub wallets: &'static [(Wallet, bool)],
    /// Where the emulator delivers notices to.
    pub notice_url: &'static str,
    /// A kind of notice that payments do not need; `None` when the bank has no such.
    pub foreign_kind: Option<&'static str>,
    /// The acquiring point of the register; `None` when the bank has no register.
    pub registry_merchant: Option<&'static str>,
    /// Whether customers, accounts and retailers can be read.
    pub has_directory: bool,
    /// How many payments come on one page of the list.
    pub page_size: usize,
    pub oauth: Option<OAuth>,
    /// An id in the bank's form that no payment has.
    pub unknown_id: &'static str,
    pub least_amount: &'static str,
    /// A hold and its capture are told at one moment, even where nobody asked for a hold.
    pub tells_in_pairs: bool,
    /// The bytes of a notice that its signature covers.
    pub signed_bytes: fn(&[u8]) -> BTreeSet<usize>,
}

/// What opens the bank's door, and how it can be wrong. Each way is refused by a code of its own.
pub struct Keys {
    /// The setting that holds the secret.
    pub secret: &'static str,
    /// A secret that is not one: refused before anything is sent.
    pub malformed: &'static str,
    /// Settings with values that only the bank knows to be wrong.
    pub wrong: &'static [(&'static str, &'static str)],
    /// The setting whose value [`crate::emulator::Control::Token`] spoils.
    pub spoiled: &'static str,
    /// What it can be made, besides `valid`.
    pub states: &'static [&'static str],
}

/// The bank's ways with the SBP.
pub struct Sbp {
    /// Whether a payment's QR code can be asked for.
    pub shows_codes: bool,
    /// Whether the bank itself plays the payer of a code, as test terminals do.
    pub plays_payer: bool,
    /// How long a refund runs; zero where it is there at once.
    pub refund_runs: SignedDuration,
    /// How soon after a refund was asked for the next one may be.
    pub refund_pause: SignedDuration,
}

/// The OAuth way of a bank that has one.
pub struct OAuth {
    pub scope: &'static str,
    /// Enough to make and read payments.
    pub permissions: &'static [&'static str],
    pub redirect_uri: &'static str,
    /// The form that a person's browser sends on pressing "allow", by consent and `state`.
    pub allow: fn(&Credentials, &str, &str) -> HttpRequest,
}

/// One scenario: a sentence, for whom it is, what happens.
struct Scenario {
    name: &'static str,
    fits: fn(&Setup) -> bool,
    run: fn(&mut Bench<'_>),
}

/// For every bank.
const fn always(name: &'static str, run: fn(&mut Bench<'_>)) -> Scenario {
    Scenario { name, fits: |_| true, run }
}

const fn when(fits: fn(&Setup) -> bool, name: &'static str, run: fn(&mut Bench<'_>)) -> Scenario {
    Scenario { name, fits, run }
}

static SCENARIOS: &[Scenario] = &[
    always("pay", paying::pay),
    always("pay by each method", paying::pay_by_each_method),
    always("pay with a receipt", paying::pay_with_a_receipt),
    when(with_wallets, "a wallet's link opens a payment", paying::wallets),
    when(with_retries, "a decline leaves the link open", paying::a_decline_leaves_it_open),
    when(with_retries, "decline, then pay", paying::decline_then_pay),
    when(with_last_attempt, "the last decline closes the link", paying::the_last_decline),
    always("an expired link takes no money", paying::expire),
    always("a link's life ends by itself", paying::a_life_ends_by_itself),
    always("the limits are those of the capabilities", paying::limits_are_kept),
    always("the same operation gives the same bytes", paying::the_same_bytes),
    always("a payment is found by its reference", paying::found_by_reference),
    when(with_unique_references, "the same reference is a duplicate", paying::duplicate),
    when(without_unique_references, "a reference names every payment of it", paying::namesakes),
    always("a payment that is not there is not found", paying::unknown_payment_is_not_found),
    always("hold, then capture in full", holding::hold_and_capture),
    always("capture twice takes the money once", holding::capture_twice),
    always("a hold that runs out takes no money", holding::a_hold_runs_out),
    always("what is not held is not captured", holding::capture_of_what_is_not_held),
    when(without_partial_capture, "a partial capture is not sent", holding::partial_is_not_sent),
    when(with_partial_capture, "a part of a hold is captured", holding::capture_a_part),
    when(without_void, "a void is not sent", holding::void_is_not_sent),
    when(with_void, "a hold is released", holding::void),
    when(with_void, "an unpaid link is closed", holding::close_a_link),
    always("refund in full", refunding::full),
    always("refund twice by parts", refunding::twice),
    always("a payment by each method is refunded", refunding::by_each_method),
    always("refund of too much is refused", refunding::too_much),
    always("a refund of an unpaid payment gives nothing back", refunding::of_an_unpaid),
    always("a refund of nothing is not sent", refunding::of_nothing),
    always("a refund in the bank's cabinet is seen", refunding::in_the_cabinet),
    when(with_sbp, "a link paid by SBP: refund by parts", sbp_links::refund),
    when(
        with_running_refunds,
        "a link paid by SBP: a refund runs alone and may fail",
        sbp_links::a_refund_fails,
    ),
    when(with_link_codes, "a link's SBP code: its text and picture, paid", sbp_links::code),
    when(with_test_payer, "a link's SBP code: the bank's test payer", sbp_links::test_payer),
    when(with_charges, "a kept card: kept by a payment, charged", charging::keep_and_charge),
    when(with_charges, "a kept card: a charge is announced", charging::a_charge_is_told),
    when(with_charges, "a kept card: a charge is declined", charging::a_charge_is_declined),
    when(
        with_charges,
        "a kept card: a charge's lost answer is settled by asking",
        charging::a_lost_answer,
    ),
    when(with_charges, "a kept card: a charge that hangs took nothing", charging::a_hanging_charge),
    when(with_charges, "a kept card: two charges at once are two", charging::two_at_once),
    when(with_charges, "a kept card: the same charge sent twice", charging::the_same_twice),
    when(
        with_charges,
        "a kept card: one that is not there is not charged",
        charging::an_unknown_card,
    ),
    when(with_subscriptions, "a subscription that nobody paid", charging::an_unpaid_link),
    when(with_subscriptions, "a subscription charged by the bank", charging::by_schedule),
    when(with_subscriptions, "subscriptions are listed by kind", charging::listed),
    when(with_subscriptions, "a subscription's limits are said", charging::limits),
    when(
        without_subscriptions,
        "subscriptions that are not there are refused",
        charging::subscriptions_are_not_there,
    ),
    always("create: a lost reply is unknown, the list tells", silence::create_reply_lost),
    always("capture: a lost reply is unknown, asking tells", silence::capture_reply_lost),
    always("refund: a lost reply is unknown, asking tells", silence::refund_reply_lost),
    always("a hang is unknown, and nothing happened", silence::hang),
    always("trouble at the gateway is unknown", silence::gateway_trouble),
    always("a busy bank is busy", silence::busy),
    always("a bank out of reach was not sent anything", silence::out_of_reach),
    always("nonsense instead of a reply is unknown", silence::nonsense),
    always("the bank's clock is a day off", silence::skewed_clock),
    always("a restart of the bank forgets nothing", silence::restart),
    always("a notice is genuine and true", notices::genuine),
    always("a notice of a hold, then of its capture", notices::of_a_hold),
    always("a corrupted notice is not believed", notices::corrupted),
    always("a forged notice is not believed", notices::forged),
    always("a notice comes twice and says the same", notices::twice),
    always("a lost notice is made good by asking", notices::lost),
    always("notices overtake each other", notices::reordered),
    always("a notice before the reply names the reference", notices::before_the_reply),
    when(with_foreign_kind, "a notice of another kind is genuine", notices::of_another_kind),
    when(with_keys, "a new key of the bank is fetched and believed", notices::new_key),
    when(with_address, "the notice address: set, seen, tested, removed", notices::address),
    when(with_address, "an address that does not answer is not taken", notices::unanswered_address),
    when(without_address, "each payment names the address of its notices", notices::own_address),
    always("each wrong key is told apart", access::wrong_keys_differ),
    when(with_oauth, "OAuth from the first token to the payment", access::oauth),
    when(with_oauth, "a refresh token works once", access::refresh_once),
    when(with_oauth, "an access token ends and is renewed", access::token_ends),
    when(with_list, "the list's pages hold every payment once", reading::pages),
    when(without_list, "a list is not asked for", reading::list_is_not_sent),
    when(with_registry, "the register adds up", reading::registry),
    when(with_directory, "customers, accounts and retailers are read", reading::directory),
    when(with_codes, "SBP: from nothing to the first code", sbp::from_nothing),
    when(with_codes, "SBP: a suspended code takes no money", sbp::suspended),
    when(with_codes, "SBP: a dynamic code is paid once", sbp::dynamic_is_paid),
    when(with_codes, "SBP: a dynamic code ends", sbp::dynamic_ends),
    when(with_codes, "SBP: codes are asked about in batch", sbp::in_batch),
    when(with_codes, "SBP: two equal payments are two", sbp::two_equal_payments),
    when(with_codes, "SBP: refund in part and in full", sbp::refunds),
    when(with_codes, "SBP: a refund fails after it was taken", sbp::refund_fails_later),
    when(with_codes, "SBP: a refund's lost reply is unknown", sbp::refund_reply_lost),
    when(with_codes, "SBP: a lost sum is in the statement", sbp::lost_sum_is_in_the_statement),
    when(with_codes, "SBP: only what may be is refunded", sbp::only_dynamic_is_refunded),
    when(with_codes, "SBP: the limits are refused unsent", sbp::limits),
    when(with_codes, "SBP: a desk's code is armed and paid", desks::arm_and_pay),
    when(with_codes, "SBP: a desk's code is disarmed", desks::disarm),
    when(with_codes, "SBP: a company pays an invoice", desks::invoice),
    when(without_codes, "SBP: codes that are not there are refused", sbp::not_there),
];

fn with_partial_capture(setup: &Setup) -> bool {
    setup.capabilities().partial_capture
}

fn without_partial_capture(setup: &Setup) -> bool {
    !with_partial_capture(setup)
}

fn with_void(setup: &Setup) -> bool {
    setup.capabilities().void_hold
}

fn without_void(setup: &Setup) -> bool {
    !with_void(setup)
}

fn with_wallets(setup: &Setup) -> bool {
    !setup.wallets.is_empty()
}

/// More than one attempt.
fn with_retries(setup: &Setup) -> bool {
    setup.last_attempt != Some(1)
}

fn with_last_attempt(setup: &Setup) -> bool {
    setup.last_attempt.is_some()
}

fn with_unique_references(setup: &Setup) -> bool {
    setup.unique_references
}

fn without_unique_references(setup: &Setup) -> bool {
    !with_unique_references(setup)
}

fn with_sbp(setup: &Setup) -> bool {
    setup.sbp.is_some()
}

fn with_running_refunds(setup: &Setup) -> bool {
    setup.sbp.as_ref().is_some_and(|sbp| !sbp.refund_runs.is_zero())
}

fn with_link_codes(setup: &Setup) -> bool {
    setup.sbp.as_ref().is_some_and(|sbp| sbp.shows_codes)
}

fn with_test_payer(setup: &Setup) -> bool {
    setup.sbp.as_ref().is_some_and(|sbp| sbp.plays_payer)
}

fn with_address(setup: &Setup) -> bool {
    setup.capabilities().registers_notices
}

fn without_address(setup: &Setup) -> bool {
    !with_address(setup)
}

fn with_list(setup: &Setup) -> bool {
    setup.capabilities().lists_payments
}

fn without_list(setup: &Setup) -> bool {
    !with_list(setup)
}

fn with_codes(setup: &Setup) -> bool {
    !setup.capabilities().sbp_codes.is_empty()
}

fn without_codes(setup: &Setup) -> bool {
    !with_codes(setup)
}

fn with_charges(setup: &Setup) -> bool {
    setup.charges_cards
}

fn with_subscriptions(setup: &Setup) -> bool {
    setup.capabilities().subscriptions.is_some()
}

fn without_subscriptions(setup: &Setup) -> bool {
    !with_subscriptions(setup)
}

fn with_foreign_kind(setup: &Setup) -> bool {
    setup.foreign_kind.is_some()
}

fn with_keys(setup: &Setup) -> bool {
    setup.rekeyed.is_some()
}

fn with_oauth(setup: &Setup) -> bool {
    setup.oauth.is_some()
}

fn with_registry(setup: &Setup) -> bool {
    setup.registry_merchant.is_some()
}

fn with_directory(setup: &Setup) -> bool {
    setup.has_directory
}

impl Setup {
    fn capabilities(&self) -> &'static Capabilities {
        self.bank.capabilities()
    }
}

/// Plays every scenario that fits, then fails with the names of all that did. The answer is what
/// did not fit.
#[track_caller]
pub fn run(setup: &Setup) -> Vec<&'static str> {
    let (fitting, left_out): (Vec<&Scenario>, Vec<&Scenario>) =
        SCENARIOS.iter().partition(|scenario| (scenario.fits)(setup));
    let is_broken = |scenario: &&&Scenario| {
        // A panic leaves nothing behind: the bench dies with it.
        let played = catch_unwind(AssertUnwindSafe(|| (scenario.run)(&mut Bench::new(setup))));
        if played.is_err() {
            eprintln!("^ in the scenario «{}»\n", scenario.name);
        }
        played.is_err()
    };
    let broken: Vec<&str> = fitting.iter().filter(is_broken).map(|s| s.name).collect();
    let bank = setup.bank.title();
    assert!(broken.is_empty(), "{bank} breaks {} scenarios: {broken:#?}", broken.len());
    left_out.iter().map(|scenario| scenario.name).collect()
}

#[test]
fn scenarios_have_names_of_their_own() {
    let mut names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:#?}");
}
