//! Bitrix24 as a local application: installed at a portal, it has a tab and a button in the card of
//! a deal, a robot, triggers and a pay system there.
//!
//! ```text
//!   install page ─► exchange at Bitrix24's own server ─► tokens sealed ─► register
//!   event, robot ─► errand (saved, answered 200) ─► drive: read the deal, make the link, answer
//!   tab          ─► the viewer's own token reads the deal ─► form ─► link
//!   checkout     ─► the portal's payment is read ─► link ─► paid: an errand tells the portal
//! ```
//!
//! What news of a payment does to its deal is told by `integrations::drive`, as to any service.
//!
//! Invariants:
//! * An installation is believed only when Bitrix24's own server gives new tokens for its refresh
//!   token and our secret, and the employee behind it is an administrator.
//! * What a portal sends later is believed by its own token and id; a buyer's checkout, which is
//!   not signed, by a secret in its address, and its sum is read at the portal.
//! * A portal does not repeat what was not answered, and may send the same twice: an errand is
//!   saved before the answer, unique by its word, and its link by its key.
//! * What a portal waits for is given up after a day in the open: a person is told, and it is tried
//!   anew when the portal is back.
//! * Requests to one portal share one pace, whichever shop and process they are of.

pub mod checkout;
pub mod drive;
pub mod fate;
pub mod flow;
pub mod install;
pub mod links;
pub mod look;
pub mod model;
pub mod older;
pub mod portal;
pub mod redo;
pub mod store;
pub mod view;
