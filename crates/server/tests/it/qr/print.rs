//! `kopeck qr print`: files as a shopkeeper makes them, and what is said to one who errs.

use std::fs;

use serde_json::Value;

use super::{PAYLOAD, eye::Gray};
use crate::harness::process::{Folder, Kopeck, text};

fn kopeck(name: &str) -> (Folder, Kopeck) {
    let folder = Folder::new(&format!("qr-{name}"));
    let kopeck = Kopeck { folder: folder.0.clone(), env: Vec::new() };
    (folder, kopeck)
}

const PRINT: [&str; 4] = ["qr", "print", "--payload", PAYLOAD];

#[test]
fn posters_and_codes_are_written_and_read() {
    let (folder, kopeck) = kopeck("files");
    let poster = ["--name", "Кофейня", "--sum", "1500"];
    for (more, file, (columns, rows)) in [
        (&["--size", "tent"][..], "tent.pdf", (1, 2)),
        (&["--size", "a7", "--per-sheet", "8", "--lang", "en"], "sheet.PDF", (4, 2)),
        (&["--place", "Стол 1"], "poster.svg", (1, 1)),
    ] {
        let args = [&PRINT[..], &poster, more, &["--out", file]].concat();
        let said = kopeck.json(&[&args[..], &["--json"]].concat());
        assert_eq!(said["file"].as_str(), Some(file));
        assert_eq!(said["cards"], columns * rows);
        let bytes = fs::read(folder.0.join(file)).expect("written");
        assert_eq!(said["bytes"].as_u64(), u64::try_from(bytes.len()).ok());
        let picture = match String::from_utf8(bytes.clone()) {
            Ok(svg) => Gray::from_svg(&svg, 1.5, 0.0),
            Err(_) => Gray::from_pdf(&bytes, 150),
        };
        picture.cut(columns, rows).iter().for_each(|card| card.must_read(PAYLOAD, file));
    }
    for (more, file) in [(&["--pixels", "500"][..], "code.png"), (&["--size", "code"], "code.svg")]
    {
        let said = kopeck.json(&[&PRINT[..], more, &["--out", file, "--json"]].concat());
        assert_eq!(said["cards"], Value::Null);
        let bytes = fs::read(folder.0.join(file)).expect("written");
        let picture = match String::from_utf8(bytes.clone()) {
            Ok(svg) => Gray::from_svg(&svg, 6.0, 0.0),
            Err(_) => Gray::from_png(&bytes),
        };
        picture.must_read(PAYLOAD, file);
    }
    // No data folder is made for drawing.
    let entries = fs::read_dir(&folder.0).expect("a folder").count();
    assert_eq!(entries, 5, "nothing but the files that were asked for");
}

#[test]
fn mistakes_are_named_with_what_to_do() {
    let (folder, kopeck) = kopeck("mistakes");
    fs::write(folder.0.join("logo.svg"), "<svg/>").expect("written");
    let named = ["--name", "Кофейня"];
    let cases: &[(&[&str], &str, &str)] = &[
        (&["--out", "poster.doc"], "usage_invalid", "out"),
        (&["--out", "poster"], "usage_invalid", "out"),
        (&["--out", "poster.pdf"], "usage_invalid", "name"),
        (&["--out", "code.pdf", "--size", "code"], "usage_invalid", "out"),
        (&["--out", "code.png", "--size", "a6", named[0], named[1]], "usage_invalid", "out"),
        (&["--out", "code.png", "--sum", "5"], "usage_invalid", "sum"),
        (&["--out", "code.png", "--per-sheet", "2"], "usage_invalid", "per_sheet"),
        (&["--out", "code.png", "--pixels", "9000"], "pixels_invalid", "pixels"),
        (&["--out", "code.png", "--logo", "logo.svg"], "logo_invalid", "logo"),
        (&["--out", "code.png", "--logo", "none.png"], "logo_invalid", "logo"),
        (&["--out", "none/code.png"], "file_not_written", "out"),
        (
            &["--out", "p.pdf", "--per-sheet", "3", named[0], named[1]],
            "per_sheet_invalid",
            "per_sheet",
        ),
        (&["--out", "p.pdf", "--name", "茶"], "text_not_drawable", "name"),
    ];
    for (more, code, param) in cases {
        let output = kopeck.run(&[&PRINT[..], more, &["--json"]].concat());
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{more:?}");
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        assert_eq!((said["code"].as_str(), said["param"].as_str()), (Some(*code), Some(*param)));
        let hint = said["hint"].as_str().unwrap_or_default();
        assert!(!hint.is_empty(), "{more:?} is told no way out: {said}");
    }
    let output = kopeck.run(&["qr", "print", "--payload", "", "--out", "code.png"]);
    assert!(text(&output.stderr).contains("payload is empty"), "{}", text(&output.stderr));
    let entries = fs::read_dir(&folder.0).expect("a folder").count();
    assert_eq!(entries, 1, "a mistake leaves no file behind");
}
