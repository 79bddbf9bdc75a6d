//! The fuzz targets' bodies over seeds and seeded mutations of them: minutes of `cargo fuzz` find
//! more, but this runs with every test.
#![expect(clippy::unwrap_used, clippy::panic, reason = "shared with the fuzz targets")]

#[path = "../../../fuzz/bodies.rs"]
mod bodies;

/// SplitMix64: the same mutations on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// What breaks parsers.
const WORDS: [&[u8]; 12] = [
    b"null",
    b"-1",
    b"1e999",
    b"\"\"",
    b"{}",
    b"[]",
    b"\xff\xfe",
    b"\0",
    b".",
    b"0.005",
    b"99999999999999999999",
    b"%2F",
];

fn mutate(chance: &mut Chance, seed: &[u8]) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(data.len());
        let to = (at + chance.below(8)).min(data.len());
        match chance.below(5) {
            0 => drop(data.drain(at..to)),
            1 => data.truncate(at),
            2 => drop(data.splice(at..to, WORDS[chance.below(WORDS.len())].iter().copied())),
            3 => data.extend_from_within(at..to),
            _ => {
                let byte = chance.next().to_le_bytes()[0];
                data.get_mut(at).into_iter().for_each(|old| *old = byte);
            }
        }
    }
    data
}

/// Each seed as it is, then `rounds` mutations of all; a failure prints the bytes.
fn run(body: fn(&[u8]), seeds: &[Vec<u8>], rounds: usize) {
    let mut chance = Chance(20_261_121);
    let try_one = |data: &[u8]| {
        if std::panic::catch_unwind(|| body(data)).is_err() {
            panic!("on these bytes: {:?}", String::from_utf8_lossy(data));
        }
    };
    seeds.iter().for_each(|seed| try_one(seed));
    for _ in 0..rounds {
        let seed = &seeds[chance.below(seeds.len())];
        try_one(&mutate(&mut chance, seed));
    }
}

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn notices_of_strangers() {
    let mut seeds = bytes(&bodies::SIGNED);
    seeds.push(bodies::KEY.as_bytes().to_vec());
    seeds.extend(bytes(&[
        "",
        r#"{"webhookType":"acquiringInternetPayment","status":"APPROVED","amount":"0.33",
            "operationId":"x","paymentLinkId":"y"}"#,
        r#"{"webhookType":"incomingPayment","SidePayer":{"name":"a","inner":{"b":{"c":[1]}}}}"#,
        r#"{"webhookType":"acquiringInternetPayment","amount":1e30,"amount":2}"#,
        r#"{"webhookType":"incomingSbpB2BPayment","qrcId":"A","amount":"0.33"}"#,
    ]));
    // Each signs once, which takes a millisecond and more.
    run(bodies::tochka_notice, &seeds, 150);
}

#[test]
fn replies_of_anybody() {
    let replies = [
        r#"{"Data":{"operationId":"beeac8a4-6047-3f38-8922-a664e6b5c43b","paymentLink":"http://a",
            "result":true,"isRefund":true,"amount":1.5,"orderId":"7","url":"https://a",
            "webhooksList":[],"Operation":[{"operationId":"beeac8a4-6047-3f38-8922-a664e6b5c43b","status":"APPROVED",
            "amount":1.5,"Order":[{"orderId":"1","type":"approval","amount":1.5,"time":"x"}]}],
            "Registry":[{"paymentType":"card","payments":[{"operationId":"a","amount":1,
            "commission":1,"enrollmentAmount":0}]}],"Retailer":[{"isActive":"true"}],
            "Customer":[{"customerCode":"1"}],"Account":[{"accountId":"1"}],
            "Consent":[{"consentId":"1"}]},"Meta":{"totalPages":3}}"#,
        r#"{"Data":{"legalId":"LF0000000001","qrcId":"AD10006DPRTEFPFS9HJ9SQSDSVRHJD3L",
            "payload":"https://qr.nspk.ru/A","amount":100,"ttl":"60","status":"Active",
            "paymentList":[{"qrcId":"A","code":"RQ00000","status":"Accepted"}],"paramsId":"P",
            "Payments":[{"qrcId":"A","status":"Accepted","refTransactionId":"R"}],
            "requestId":"openapi-1","MerchantList":[{"merchantId":"M"}]},"Meta":{"totalPages":1}}"#,
        r#"{"Data":{"status":"PastDue","Subscription":[{"operationId":"a","recurring":true,
            "Options":{"period":"Quarter","trancheCount":4,"daysInPeriod":1},"amount":"1.50",
            "CofToken":{"tokenCardId":"t","maskedPan":"220000******0004"}}],"Operation":[{
            "operationId":"beeac8a4-6047-3f38-8922-a664e6b5c43b","status":"APPROVED","amount":1,
            "Order":[{"orderId":"1","type":"approval","amount":1,"time":"x"},
            {"orderId":"2","type":"approval","amount":"2.5"}]}]},"Meta":{"totalPages":2}}"#,
        r#"{"Data":{"result":false}}"#,
        r#"{"code":"424","id":"1","message":"x","Errors":[{"message":"заказ существует"}]}"#,
        r#"{"access_token":"a","refresh_token":"b","expires_in":86400}"#,
        r#""eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwiYXVkIjoiMiJ9.x""#,
        bodies::KEY,
        "<html>502</html>",
    ];
    let mut seeds = Vec::new();
    for op in 0..u8::try_from(bodies::ops().len()).unwrap() {
        for status in [200_u16, 400, 401, 403, 404, 424, 429, 500, 501, 503] {
            for reply in replies {
                let [high, low] = (status - 100).to_be_bytes();
                seeds.push([&[op, high, low], reply.as_bytes()].concat());
            }
        }
    }
    run(bodies::tochka_reply, &seeds, 4_000);
}

#[test]
fn sums_of_anybody() {
    let seeds = ["", "0", "5000", "5000.5", "5000.50", "\"10.00\"", "10000000000", "-1", "1e3"];
    run(bodies::money, &bytes(&seeds), 20_000);
}

#[test]
fn requests_of_anybody() {
    let seeds = [
        "\u{1}uapi/acquiring/v1.0/payments\n{\"Data\":{\"customerCode\":\"300000092\",\
         \"amount\":\"10.50\",\"purpose\":\"x\",\"paymentMode\":[\"card\"],\"ttl\":5}}",
        "\u{1}uapi/acquiring/v1.0/payments_with_receipt\n{\"Data\":{\"customerCode\":\"300000092\",\
         \"amount\":1,\"purpose\":\"x\",\"paymentMode\":[\"sbp\"],\"Client\":{\"email\":\"a@b.c\"},\
         \"Items\":[{\"name\":\"x\",\"amount\":1,\"quantity\":1.5}]}}",
        "\0uapi/acquiring/v1.0/payments?customerCode=300000092&page=1&perPage=2",
        "\0uapi/open-banking/v1.0/accounts/40702810302000000092%2F044525104",
        "\u{2}uapi/webhook/v1.0/kopeck-emulator-client-id-000001\n\
         {\"webhooksList\":[\"incomingPayment\"],\"url\":\"http://127.0.0.1:1/\"}",
        "\u{1}connect/token\ngrant_type=client_credentials&scope=acquiring&client_id=a",
        "\0connect/authorize?client_id=kopeck-emulator-client-id-000001&response_type=code",
        "\0order/?uuid=x&result=paid",
        "\u{1}order/pay\nuuid=x&method=card",
        "\u{1}uapi/sbp/v1.0/register-sbp-legal-entity\n\
         {\"Data\":{\"customerCode\":\"300000092\",\"bankCode\":\"044525104\"}}",
        "\u{1}uapi/sbp/v1.0/refund\n{\"Data\":{\"bankCode\":\"044525104\",\"accountCode\":\"1\",\
         \"amount\":\"10\",\"qrcId\":\"A\",\"trxId\":\"T\"}}",
        "\0uapi/sbp/v1.0/get-sbp-payments?customerCode=300000092&perPage=2&page=9",
        "\u{1}uapi/acquiring/v1.0/subscriptions\n{\"Data\":{\"customerCode\":\"300000092\",\
         \"amount\":1,\"purpose\":\"x\",\"Options\":{\"period\":\"Day\",\"daysInPeriod\":1,\
         \"trancheCount\":2}}}",
        "\u{1}uapi/acquiring/v1.0/subscriptions/x/charge\n{\"Data\":{\"amount\":1}}",
        "\u{1}uapi/acquiring/v1.0/subscriptions/x/status\n{\"Data\":{\"status\":\"Cancelled\"}}",
        "\0uapi/acquiring/v1.0/subscriptions?customerCode=300000092&recurring=true&perPage=2",
        "\u{1}uapi/consent/v1.0/consents\n{\"Data\":{\"permissions\":[\"ReadBalances\"]}}",
    ];
    run(bodies::emulator_request, &bytes(&seeds), 1_000);
}
