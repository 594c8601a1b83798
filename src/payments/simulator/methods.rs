//! The payment methods that the simulator knows, and what each does. Any other is refused before it gets here.

/// What confirming leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    Authorizes,
    /// With this code.
    Declines(&'static str),
    /// The guest's bank is asked first, at `next_action.url`.
    Challenges,
}

/// What does not go as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The confirmation is not answered; it takes effect [`LATE_S`] seconds later.
    LateConfirmation,
    /// The same with the capture.
    LateCapture,
    /// Each webhook arrives twice, and the first of them [`LATE_S`] seconds late, behind those that follow.
    RepeatedWebhooks,
}

/// How late what is late is, in seconds.
pub const LATE_S: i32 = 2;

/// A payment method.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    pub name: &'static str,
    pub confirmation: Confirmation,
    pub fault: Fault,
}

const fn method(name: &'static str, confirmation: Confirmation, fault: Fault) -> Method {
    Method { name, confirmation, fault }
}

const METHODS: &[Method] = &[
    method("pm_card_visa", Confirmation::Authorizes, Fault::None),
    method("pm_card_chargeDeclined", Confirmation::Declines("generic_decline"), Fault::None),
    method("pm_card_chargeDeclinedInsufficientFunds", Confirmation::Declines("insufficient_funds"), Fault::None),
    method("pm_card_authenticationRequired", Confirmation::Challenges, Fault::None),
    method("pm_sim_timeout_then_success", Confirmation::Authorizes, Fault::LateConfirmation),
    method("pm_sim_timeout_then_failure", Confirmation::Declines("generic_decline"), Fault::LateConfirmation),
    method("pm_sim_late_capture", Confirmation::Authorizes, Fault::LateCapture),
    method("pm_sim_duplicate_webhook", Confirmation::Authorizes, Fault::RepeatedWebhooks),
];

/// Their names.
#[expect(clippy::indexing_slicing, reason = "the compiler itself counts this loop; a constant has no iterators")]
pub const KNOWN_METHODS: [&str; METHODS.len()] = {
    let mut names = [""; METHODS.len()];
    let mut at = 0;
    while at < METHODS.len() {
        names[at] = METHODS[at].name;
        at += 1;
    }
    names
};

/// The method of this name.
#[must_use]
pub fn known(name: &str) -> Option<Method> {
    METHODS.iter().find(|method| method.name == name).copied()
}
