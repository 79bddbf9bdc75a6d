//! The closed lists of a receipt's words (FFD tags 1199, 1055, 1214, 1212, 2108, 1222) as enums.
//! A bank's spelling of them stays in that bank's folder.

/// Generates an enum with its words, so that a word is written once.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            pub fn parse(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|item| item.as_str() == text)
            }
        }
    };
}
pub(super) use words;

words! {
    /// VAT of a line (tag 1199). Which rate is due when is data in [`super::vat`]. `vat105` is the
    /// calculated rate 5/105. The numbers of tag 1199 and those of other systems' `vat_code` are
    /// different codings of the same small integers, so that no number ever stands for a rate.
    Vat {
        None = "none", Vat0 = "vat0", Vat5 = "vat5", Vat7 = "vat7", Vat10 = "vat10",
        Vat20 = "vat20", Vat22 = "vat22", Vat105 = "vat105", Vat107 = "vat107",
        Vat110 = "vat110", Vat120 = "vat120", Vat122 = "vat122",
    }
}
words! {
    /// The tax system (tag 1055). ENVD ended with 2020 and is refused where it is read.
    Taxation {
        Osn = "osn", UsnIncome = "usn_income", UsnIncomeOutcome = "usn_income_outcome",
        Esn = "esn", Patent = "patent",
    }
}
words! {
    /// What the money is for at the moment of the receipt (tag 1214).
    PaymentMethod {
        FullPrepayment = "full_prepayment", Prepayment = "prepayment", Advance = "advance",
        FullPayment = "full_payment", PartialPayment = "partial_payment", Credit = "credit",
        CreditPayment = "credit_payment",
    }
}
words! {
    /// What is sold (tag 1212).
    Subject {
        Goods = "goods", Excise = "excise", Work = "work", Service = "service",
        GamblingBet = "gambling_bet", GamblingPrize = "gambling_prize", Lottery = "lottery",
        LotteryPrize = "lottery_prize", IntellectualActivity = "intellectual_activity",
        Payment = "payment", AgentCommission = "agent_commission", Composite = "composite",
        Contribution = "contribution", Another = "another", PropertyRights = "property_rights",
        Unrealization = "unrealization", TaxReduction = "tax_reduction", TradeFee = "trade_fee",
        ResortTax = "resort_tax", Pledge = "pledge", IncomeDecrease = "income_decrease",
        IePensionWithoutPayments = "ie_pension_insurance_without_payments",
        IePensionWithPayments = "ie_pension_insurance_with_payments",
        IeMedicalWithoutPayments = "ie_medical_insurance_without_payments",
        IeMedicalWithPayments = "ie_medical_insurance_with_payments",
        SocialInsurance = "social_insurance", CasinoChips = "casino_chips",
        AgentPayment = "agent_payment",
        ExcisableUnmarked = "excisable_goods_without_marking_code",
        ExcisableMarked = "excisable_goods_with_marking_code",
        GoodsUnmarked = "goods_without_marking_code",
        GoodsMarked = "goods_with_marking_code",
    }
}
words! {
    /// The unit of a quantity (tag 2108).
    Measure {
        Piece = "piece", Gram = "gram", Kilogram = "kilogram", Ton = "ton",
        Centimeter = "centimeter", Decimeter = "decimeter", Meter = "meter",
        SquareCentimeter = "square_centimeter", SquareDecimeter = "square_decimeter",
        SquareMeter = "square_meter", Milliliter = "milliliter", Liter = "liter",
        CubicMeter = "cubic_meter", KilowattHour = "kilowatt_hour",
        Gigacalorie = "gigacalorie", Day = "day", Hour = "hour", Minute = "minute",
        Second = "second", Kilobyte = "kilobyte", Megabyte = "megabyte", Gigabyte = "gigabyte",
        Terabyte = "terabyte", Other = "other",
    }
}
words! {
    /// The format of fiscal documents (tag 1209): the cash register's own.
    Ffd { V105 = "1.05", V12 = "1.2" }
}
words! {
    /// On which footing a line is sold for somebody else (tag 1222).
    AgentKind {
        BankPayingAgent = "bank_paying_agent", BankPayingSubagent = "bank_paying_subagent",
        PayingAgent = "paying_agent", PayingSubagent = "paying_subagent", Attorney = "attorney",
        CommissionAgent = "commission_agent", Another = "another",
    }
}
words! {
    /// What kind of code marks the goods.
    MarkKind {
        Unknown = "unknown", Ean8 = "ean8", Ean13 = "ean13", Itf14 = "itf14", Gs10 = "gs10",
        Gs1m = "gs1m", Short = "short", Fur = "fur", Egais20 = "egais20", Egais30 = "egais30",
        Raw = "rawcode",
    }
}

impl PaymentMethod {
    /// Paid before it is delivered, so that a second receipt is due at delivery.
    pub const fn is_prepaid(self) -> bool {
        match self {
            PaymentMethod::FullPrepayment | PaymentMethod::Prepayment | PaymentMethod::Advance => {
                true
            }
            PaymentMethod::FullPayment
            | PaymentMethod::PartialPayment
            | PaymentMethod::Credit
            | PaymentMethod::CreditPayment => false,
        }
    }
}

impl Subject {
    /// Our word, or the one that cash registers' own software has for the same thing.
    pub fn read(text: &str) -> Option<Subject> {
        match text {
            "commodity" => Some(Subject::Goods),
            "job" => Some(Subject::Work),
            other => Subject::parse(other),
        }
    }

    /// Whether the format has this subject: 1.05 ends with the simple ones, and only it has the
    /// composite one.
    pub fn fits(self, ffd: Ffd) -> bool {
        const OLD: [Subject; 13] = [
            Subject::Goods,
            Subject::Excise,
            Subject::Work,
            Subject::Service,
            Subject::GamblingBet,
            Subject::GamblingPrize,
            Subject::Lottery,
            Subject::LotteryPrize,
            Subject::IntellectualActivity,
            Subject::Payment,
            Subject::AgentCommission,
            Subject::Composite,
            Subject::Another,
        ];
        match ffd {
            Ffd::V105 => OLD.contains(&self),
            Ffd::V12 => self != Subject::Composite,
        }
    }

    pub fn is_marked(self) -> bool {
        matches!(self, Subject::GoodsMarked | Subject::ExcisableMarked)
    }
}
