//! Everything that our own client asks of T-Bank, in every shape that it can.

use jiff::civil::date;
use kopeck_banks::{
    Money,
    emulator::Control,
    op::{
        Answer, BankOp, CaptureMode, CardCheck, CardOp, CreateLink, Device, Language, LetterTo,
        PayMethod, QrAsked, QrForm, RefusalClass, SavedCharge, SbpOp, TerminalOp, TestFate, Wallet,
    },
    receipt::{
        Agent, AgentKind, Ffd, Line, Mark, MarkKind, Measure, PaymentMethod, Receipt, Settlement,
        Subject, Supplier, Taxation, TransferOperator, Vat,
    },
    tbank::emulator::directory,
};

use super::{Court, HOOK, Place};

const BUYER: &str = "buyer-1";
const LETTERS: &str = "buyer@example.ru";

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

fn link(reference: &str) -> CreateLink {
    CreateLink {
        reference: reference.to_owned(),
        amount: rubles("1234.50"),
        purpose: "Чай и плюшки".to_owned(),
        methods: vec![PayMethod::Card],
        capture: CaptureMode::Automatic,
        ttl_minutes: 60,
        ..CreateLink::default()
    }
}

fn refund(bank_id: &str, amount: &str, request_id: &str) -> BankOp {
    BankOp::Refund {
        bank_id: bank_id.to_owned(),
        amount: rubles(amount),
        request_id: request_id.to_owned(),
        receipt: None,
        sbp_member: None,
        transfer: None,
    }
}

fn void(bank_id: &str, amount: Option<&str>, request_id: &str) -> BankOp {
    let (bank_id, request_id) = (bank_id.to_owned(), request_id.to_owned());
    BankOp::Void { bank_id, amount: amount.map(rubles), request_id }
}

fn show(court: &mut Court, bank_id: &str) {
    court.done(&BankOp::GetPayment { bank_id: bank_id.to_owned() });
}

fn hold(court: &mut Court, reference: &str) -> String {
    let held = court.open(CreateLink { capture: CaptureMode::Manual, ..link(reference) });
    court.pay(&held, PayMethod::Card);
    show(court, &held);
    held
}

pub fn payments(court: &mut Court) {
    let paid = court.open(CreateLink {
        success_url: Some("https://shop.example.ru/thanks?a=1&b=2".to_owned()),
        fail_url: Some("https://shop.example.ru/sorry".to_owned()),
        notice_url: Some(HOOK.to_owned()),
        expires_at: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        language: Some(Language::English),
        extra: [("note".to_owned(), "two".to_owned())].into(),
        payer_id: Some(BUYER.to_owned()),
        ..link("widest")
    });
    show(court, &paid);
    court.pay(&paid, PayMethod::Card);
    show(court, &paid);
    court.done(&refund(&paid, "234.50", "rf_1"));
    court.done(&refund(&paid, "234.50", "rf_1"));
    court.done(&refund(&paid, "1000", "rf_2"));
    show(court, &paid);
    court.refused(&refund(&paid, "1", "rf_3"), RefusalClass::Conflict);
    let never = court.open(link("never"));
    court.done(&void(&never, None, "v_1"));
    let held = hold(court, "held");
    let (amount, authorized) = (rubles("1000"), rubles("1234.50"));
    let capture = |bank_id: String| BankOp::Capture { bank_id, amount, authorized, receipt: None };
    court.done(&capture(held.clone()));
    court.refused(&capture(held), RefusalClass::Conflict);
    let freed = hold(court, "freed");
    court.done(&void(&freed, Some("234.50"), "v_2"));
    court.done(&void(&freed, None, "v_3"));
    for (reference, page) in [("held", 1), ("widest", 1), ("nobody", 1)] {
        let (from, to) = (date(2026, 11, 20), date(2026, 11, 22));
        court.done(&BankOp::FindPayment { reference: reference.to_owned(), from, to, page });
    }
    court.refused(&BankOp::GetPayment { bank_id: "1".to_owned() }, RefusalClass::NotFound);
    court.done(&BankOp::FetchNoticeKeys);
}

fn line(method: PaymentMethod) -> Line {
    Line { method, subject: Subject::Goods, ..Line::new("Чай", rubles("1")) }
}

/// Every word that a receipt may hold at T-Bank in a format, over many lines of one ruble; and
/// goods of others, in every role.
fn widest_receipt(method: PaymentMethod, ffd: Ffd) -> Receipt {
    let supplier = Supplier {
        phone: "+79991234567".to_owned(),
        name: "ООО Поставщик".to_owned(),
        tax_code: "7707083893".to_owned(),
    };
    let line = line(method);
    let vats = Vat::ALL.iter().map(|vat| Line { vat: *vat, ..line.clone() });
    let subjects = Subject::ALL.iter().filter(|subject| subject.fits(ffd));
    let subjects = subjects.map(|subject| Line {
        subject: *subject,
        mark: subject
            .is_marked()
            .then(|| Mark { kind: MarkKind::Gs1m, value: "0104601234567890".to_owned() }),
        ..line.clone()
    });
    let measures =
        Measure::ALL.iter().map(|measure| Line { measure: Some(*measure), ..line.clone() });
    let agents = AgentKind::ALL.iter().map(|kind| Line {
        agent: Some(agent(*kind)),
        supplier: Some(supplier.clone()),
        ..line.clone()
    });
    let other = Line {
        supplier: Some(supplier.clone()),
        measure: Some(Measure::Kilogram),
        quantity_milli: 1_500,
        ..line.clone()
    };
    Receipt {
        email: Some(LETTERS.to_owned()),
        phone: Some("+79991234567".to_owned()),
        taxation: Some(Taxation::UsnIncome),
        lines: vats.chain(subjects).chain(measures).chain(agents).chain([other]).collect(),
        ..Receipt::default()
    }
}

fn agent(kind: AgentKind) -> Agent {
    let phones = vec!["+79221210697".to_owned()];
    Agent {
        kind,
        phones: phones.clone(),
        receiver_phones: phones.clone(),
        operation: Some("Приём платежей".to_owned()),
        operator: Some(TransferOperator {
            name: "АО Оператор".to_owned(),
            address: "г. Тольятти".to_owned(),
            tax_code: "7710140679".to_owned(),
            phones,
        }),
    }
}

fn bill(reference: &str, receipt: &Receipt) -> CreateLink {
    let amount = receipt.total().unwrap();
    CreateLink { amount, receipt: Some(receipt.clone()), ..link(reference) }
}

/// In both formats, wherever a receipt may go.
pub fn receipts(court: &mut Court) {
    for ffd in Ffd::ALL.iter().copied() {
        let format = ffd.as_str();
        court.credentials.set("ffd_version", format.to_owned());
        for taxation in Taxation::ALL {
            let all = widest_receipt(PaymentMethod::FullPayment, ffd);
            let receipt = Receipt { taxation: Some(*taxation), ..all };
            court.open(bill(taxation.as_str(), &receipt));
        }
        let receipt = widest_receipt(PaymentMethod::FullPrepayment, ffd);
        let ruble = rubles("1");
        let (amount, bank_id) = (receipt.total().unwrap(), court.open(bill(format, &receipt)));
        court.pay(&bank_id, PayMethod::Card);
        let settlement = Settlement { advance: amount, ..Settlement::default() };
        let closing = Receipt {
            settlement: Some(settlement),
            ..widest_receipt(PaymentMethod::FullPayment, ffd)
        };
        let close = TerminalOp::ClosingReceipt { bank_id: bank_id.clone(), receipt: closing };
        court.done(&BankOp::Terminal(close.clone()));
        court.refused(&BankOp::Terminal(close), RefusalClass::Conflict);
        let part = Receipt { lines: vec![line(PaymentMethod::FullPayment)], ..receipt.clone() };
        court.done(&BankOp::Refund {
            bank_id,
            amount: ruble,
            request_id: format!("rc_{format}"),
            receipt: Some(part.clone()),
            sbp_member: None,
            transfer: None,
        });
        let manual = CreateLink { capture: CaptureMode::Manual, ..bill("manual", &receipt) };
        let bank_id = court.open(manual);
        court.pay(&bank_id, PayMethod::Card);
        let receipt = Some(part);
        let capture = BankOp::Capture { bank_id, amount: ruble, authorized: amount, receipt };
        court.done(&capture);
    }
}

pub fn cards(court: &mut Court) {
    let payer_id = BUYER.to_owned();
    let (email, phone) = (Some(LETTERS.to_owned()), Some("+79991234567".to_owned()));
    let card = |op: CardOp| BankOp::Card(op);
    court.done(&card(CardOp::AddPayer { payer_id: payer_id.clone(), email, phone }));
    court.done(&card(CardOp::ShowPayer { payer_id: payer_id.clone() }));
    let url = Some("https://shop.example.ru/card".to_owned());
    let checks = [CardCheck::None, CardCheck::Hold, CardCheck::ThreeDs, CardCheck::ThreeDsHold];
    for check in checks {
        let answer = court.done(&card(CardOp::Bind {
            payer_id: payer_id.clone(),
            check,
            success_url: url.clone(),
            fail_url: url.clone(),
            notice_url: Some(HOOK.to_owned()),
        }));
        let Answer::CardBinding(binding) = answer else { panic!("{answer:?}") };
        let request_key = binding.request_key;
        let show = card(CardOp::ShowBinding { request_key: request_key.clone() });
        court.done(&show);
        court.pay(&request_key, PayMethod::Card);
        court.done(&show);
    }
    let parent = CreateLink {
        save_card: true,
        payer_id: Some(payer_id.clone()),
        success_url: url,
        ..link("parent")
    };
    let parent = court.open(parent);
    let rebill = court.pay(&parent, PayMethod::Card)["rebill_id"].as_str().unwrap().to_owned();
    let charges = [
        SavedCharge::Payer,
        SavedCharge::Recurring,
        SavedCharge::Instalment,
        SavedCharge::Delayed,
        SavedCharge::NoShow,
    ];
    for (at, charge) in charges.into_iter().enumerate() {
        let child = CreateLink { saved_charge: Some(charge), ..link(&format!("child-{at}")) };
        let (bank_id, charge_id) = (court.open(child), rebill.clone());
        let email = (at == 0).then(|| LETTERS.to_owned());
        court.done(&card(CardOp::Charge { bank_id, charge_id, email }));
    }
    let answer = court.done(&card(CardOp::List { payer_id: payer_id.clone() }));
    let Answer::Cards(cards) = answer else { panic!("{answer:?}") };
    let card_id = cards[0].card_id.clone().unwrap();
    court.done(&card(CardOp::Remove { payer_id: payer_id.clone(), card_id }));
    court.done(&card(CardOp::RemovePayer { payer_id: payer_id.clone() }));
    court.refused(&card(CardOp::ShowPayer { payer_id }), RefusalClass::NotFound);
}

pub fn sbp(court: &mut Court) {
    let sbp = |op: SbpOp| BankOp::Sbp(op);
    let bank = Some(directory::MEMBERS[0].uuid.to_owned());
    let asks = [
        QrAsked { form: QrForm::Link, bank: None },
        QrAsked { form: QrForm::Image, bank: None },
        QrAsked { form: QrForm::Link, bank },
    ];
    let fates = [TestFate::Paid, TestFate::Expired, TestFate::Rejected];
    for (at, (asked, fate)) in asks.clone().into_iter().zip(fates).enumerate() {
        let bank_id = court.open(link(&format!("qr-{at}")));
        court.done(&sbp(SbpOp::Qr { bank_id: bank_id.clone(), asked }));
        court.done(&sbp(SbpOp::PayTest { bank_id: bank_id.clone(), fate }));
        show(court, &bank_id);
        if fate == TestFate::Paid {
            court.done(&sbp(SbpOp::RefundBanks { bank_id: bank_id.clone() }));
            court.done(&BankOp::Refund {
                bank_id: bank_id.clone(),
                amount: rubles("1234.50"),
                request_id: "rf_sbp".to_owned(),
                receipt: None,
                sbp_member: Some(directory::MEMBERS[0].id.to_owned()),
                transfer: None,
            });
            court.done(&sbp(SbpOp::ShowRefund { bank_id }));
        }
    }
    let mut account = None;
    for asked in asks {
        let (purpose, due) = ("Подписка".to_owned(), "2026-11-22T10:00:00Z".parse().unwrap());
        let answer = court.done(&sbp(SbpOp::Bind { purpose, asked, expires_at: Some(due) }));
        let Answer::Qr(qr) = answer else { panic!("{answer:?}") };
        let request_key = qr.request_key.unwrap();
        let show = sbp(SbpOp::ShowBinding { request_key: request_key.clone() });
        court.done(&show);
        court.pay(&request_key, PayMethod::Sbp);
        let answer = court.done(&show);
        let Answer::AccountBinding(binding) = answer else { panic!("{answer:?}") };
        account = Some(binding);
    }
    court.done(&sbp(SbpOp::Accounts));
    let account = account.unwrap();
    let bank_id = court.open(CreateLink { sbp_account: true, ..link("account") });
    court.done(&sbp(SbpOp::Charge {
        bank_id,
        account_token: account.account_token.unwrap(),
        member_id: account.member_id,
        email: Some(LETTERS.to_owned()),
    }));
    let saved = court.open(CreateLink { sbp_account: true, ..link("saved") });
    court.done(&sbp(SbpOp::Qr { bank_id: saved, asked: QrAsked::default() }));
    for device in [Device::Desktop, Device::Mobile, Device::Android, Device::Ios] {
        court.done(&sbp(SbpOp::Banks { for_binding: device == Device::Ios, device }));
    }
}

pub fn terminal(court: &mut Court) {
    let bank_id = court.open(link("wallets"));
    let mut ops = vec![TerminalOp::Methods, TerminalOp::TPayState, TerminalOp::ResendNotices];
    for wallet in [Wallet::TPay, Wallet::SberPay, Wallet::MirPay] {
        ops.push(TerminalOp::WalletLink { bank_id: bank_id.clone(), wallet });
        if wallet != Wallet::MirPay {
            ops.push(TerminalOp::WalletQr { bank_id: bank_id.clone(), wallet });
        }
    }
    for op in ops {
        court.done(&BankOp::Terminal(op));
    }
    court.pay(&bank_id, PayMethod::Card);
    let to = [LetterTo::Emails(vec![LETTERS.to_owned()]), LetterTo::Url(HOOK.to_owned())];
    for to in to {
        let bank_ids = vec![bank_id.clone()];
        court.done(&BankOp::Terminal(TerminalOp::ConfirmationLetter { bank_ids, to }));
    }
}

/// What else the bank announces: a payment, a card and an account that went wrong, an account saved
/// by a payment, and a receipt at a terminal with a cash register.
pub fn announced(court: &mut Court) {
    let now = court.now;
    let saved = court.open(CreateLink { sbp_account: true, ..link("saved-by-paying") });
    court.done(&BankOp::Sbp(SbpOp::Qr { bank_id: saved.clone(), asked: QrAsked::default() }));
    court.pay(&saved, PayMethod::Sbp);
    let decline = |id: String, reason: &str| Control::Decline { id, reason: Some(reason.into()) };
    let bank_id = court.open(link("declined"));
    court.bank.control(now, &decline(bank_id, "insufficient_funds")).unwrap();
    let payer_id = "buyer-2".to_owned();
    let add = CardOp::AddPayer { payer_id: payer_id.clone(), email: None, phone: None };
    court.done(&BankOp::Card(add));
    let answer = court.done(&BankOp::Card(CardOp::Bind {
        payer_id,
        check: CardCheck::None,
        success_url: Some(HOOK.to_owned()),
        fail_url: Some(HOOK.to_owned()),
        notice_url: None,
    }));
    let Answer::CardBinding(binding) = answer else { panic!("{answer:?}") };
    court.bank.control(now, &decline(binding.request_key, "declined")).unwrap();
    let asked = QrAsked { form: QrForm::Link, bank: None };
    let answer = court.done(&BankOp::Sbp(SbpOp::Bind {
        purpose: "Подписка".to_owned(),
        asked,
        expires_at: None,
    }));
    let Answer::Qr(qr) = answer else { panic!("{answer:?}") };
    court.bank.control(now, &decline(qr.request_key.unwrap(), "declined")).unwrap();
    let own = court.credentials.clone();
    let register = directory::find_terminal(directory::REGISTER_KEY).unwrap();
    court.credentials.set("terminal_key", register.key.to_owned());
    court.credentials.set("password", register.password.to_owned());
    let lines = vec![line(PaymentMethod::FullPayment)];
    let receipt = Receipt { lines, ..widest_receipt(PaymentMethod::FullPayment, Ffd::V105) };
    let notice_url = Some(HOOK.to_owned());
    let bank_id = court.open(CreateLink { notice_url, ..bill("receipt", &receipt) });
    court.pay(&bank_id, PayMethod::Card);
    court.credentials = own;
}

/// Each of our requests once more, about a terminal that there is not: every call can say no.
pub fn refusals(court: &mut Court) {
    for wallet in [Wallet::TPay, Wallet::SberPay] {
        let bank_id = "1".to_owned();
        court.ask(&BankOp::Terminal(TerminalOp::WalletLink { bank_id: bank_id.clone(), wallet }));
        court.ask(&BankOp::Terminal(TerminalOp::WalletQr { bank_id, wallet }));
    }
    for mut request in std::mem::take(&mut court.ours) {
        let body = String::from_utf8(request.body).unwrap();
        if body.is_empty() && !request.url.contains(directory::DEMO_KEY) {
            continue;
        }
        request.body = body.replace(directory::DEMO_KEY, "Nobody").into_bytes();
        request.url = request.url.replace(directory::DEMO_KEY, "Nobody");
        let approves = (!request.url.ends_with("/Resend")).then_some(true);
        court.check(&request, approves, (200, Place::Refusal));
    }
}
