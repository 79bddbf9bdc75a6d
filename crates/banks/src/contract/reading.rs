//! Lists, the register and the directory.

use std::collections::BTreeSet;

use super::bench::{Bench, DAY, bank_day, check_class, rubles};
use crate::{
    Money,
    op::{Answer, BankOp, BankStatus, CreateLink, RefusalClass},
};

/// More than two pages full, so that first, middle and last page are all read.
pub fn pages(bench: &mut Bench<'_>) {
    let count = bench.setup.page_size * 2 + 1;
    let made: BTreeSet<String> = (0..count)
        .map(|_| {
            let link = bench.link("10");
            bench.open(&link);
            link.reference
        })
        .collect();
    let before = bench.sent;
    let all = bench.list();
    assert_eq!(bench.sent - before, 3, "three pages");
    assert_eq!(all.len(), count);
    let seen: BTreeSet<String> = all.into_iter().filter_map(|item| item.reference).collect();
    assert_eq!(seen, made);
}

pub fn list_is_not_sent(bench: &mut Bench<'_>) {
    let (from, to) = (bank_day(bench.now - DAY), bank_day(bench.now));
    let refusal = bench.refused_unsent(&BankOp::ListPayments { from, to, page: 1 });
    check_class(&refusal, &[RefusalClass::Unsupported]);
}

pub fn registry(bench: &mut Bench<'_>) {
    let day = bank_day(bench.now);
    let mut paid = Vec::new();
    for (method, amount) in bench.setup.capabilities().methods.iter().zip(["10.01", "999.99"]) {
        let link = CreateLink { methods: vec![*method], ..bench.link(amount) };
        let bank_id = bench.open(&link);
        bench.pay(&bank_id, *method);
        paid.push((bank_id, method.as_str(), rubles(amount)));
    }
    let refunded = bench.paid("300");
    bench.done(&super::refunding::refund(&refunded, "100"));
    paid.push((refunded, "card", rubles("300")));
    let unpaid = bench.link("77");
    bench.open(&unpaid);
    bench.held("88");
    // Card payments are in the register on the next day.
    bench.now += DAY;
    bench.paid("55");
    let merchant_id = bench.setup.registry_merchant.unwrap_or_default().to_owned();
    let answer = bench.done(&BankOp::Registry { merchant_id, date: day });
    let Answer::Registry(lines) = answer else { panic!("{answer:?}") };
    let told: BTreeSet<_> =
        lines.iter().map(|l| (l.bank_id.clone(), l.method.as_str(), l.amount)).collect();
    assert_eq!(told, paid.into_iter().collect());
    for line in &lines {
        assert_eq!(line.commission.checked_add(line.enrolled), Some(line.amount), "{line:?}");
        let known = [Some(BankStatus::Paid), Some(BankStatus::PartiallyRefunded)];
        assert!(known.contains(&line.status), "{line:?}");
    }
    let total = Money::checked_sum(lines.iter().map(|line| line.amount));
    assert_eq!(total, Some(rubles("1310")));
}

pub fn directory(bench: &mut Bench<'_>) {
    let answer = bench.done(&BankOp::Customers);
    let Answer::Customers(customers) = answer else { panic!("{answer:?}") };
    let ours = bench.credentials.get("customer_code").to_owned();
    let is_ours = |code: &str| code == ours;
    assert!(customers.iter().any(|c| is_ours(&c.customer_code) && c.is_business));
    let answer = bench.done(&BankOp::Accounts);
    let Answer::Accounts(accounts) = answer else { panic!("{answer:?}") };
    assert!(accounts.iter().any(|a| is_ours(&a.customer_code) && a.currency == "RUB"));
    let answer = bench.done(&BankOp::Retailers);
    let Answer::Retailers(retailers) = answer else { panic!("{answer:?}") };
    let working = retailers.iter().find(|retailer| retailer.is_active).expect("one works");
    let point = bench.setup.registry_merchant;
    assert!(point.is_none() || working.merchant_id.as_deref() == point, "{working:?}");
    assert!(!working.methods.is_empty() && !working.rate.is_empty(), "{working:?}");
}
