//! `kopeck qr`: codes and posters. Drawing needs no data folder and asks no bank.

pub mod create;
pub mod place;
mod watch;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use kopeck_banks::Money;
use serde::Serialize;

use super::{
    context::Globals,
    fail::Fail,
    link::parse_money,
    print::{FAINT, GOOD, paint},
};
use crate::qr::{Code, Format, Lang, Poster, Way, logo::Logo};

/// Make QR codes of SBP, follow what comes by them; draw codes and posters to print.
#[derive(Debug, Args)]
pub struct QrArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Box<create::CreateArgs>),
    Print(Box<PrintArgs>),
    Place(place::PlaceArgs),
    Invoice(place::InvoiceArgs),
    Watch(watch::WatchArgs),
}

/// Draw a payload as a poster (.pdf, .svg) or as a code alone (.png, .svg)
///
/// The payload is drawn as it is given, letter for letter.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kopeck qr print --payload https://qr.nspk.ru/AS… --name \"Кофейня\" --out poster.pdf
  kopeck qr print --payload https://qr.nspk.ru/AD… --name \"Кофейня\" --sum 350 --size tent \\
      --per-sheet 2 --out tents.pdf
  kopeck qr print --payload https://qr.nspk.ru/AS… --out code.png")]
struct PrintArgs {
    /// What the code holds, as the bank made it
    #[arg(long, value_name = "TEXT")]
    payload: String,
    /// Where to write: the ending says what, .pdf, .svg or .png
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Finished size; a6 by default, `code` for a .png
    #[arg(long, value_enum)]
    size: Option<Size>,
    /// How many on a sheet of A4, with cut marks: 2 of a5 or tent, 4 of a6, 8 of a7
    #[arg(long, value_name = "N", default_value_t = 1)]
    per_sheet: u8,
    /// The shop; posters need it
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Which table, till or branch
    #[arg(long, value_name = "TEXT")]
    place: Option<String>,
    /// Rubles: 1500 or 1500.50; without it the poster says that the payer enters the sum
    #[arg(long, value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
    sum: Option<Money>,
    /// The poster's language
    #[arg(long, value_enum, default_value_t = Words::Ru)]
    lang: Words,
    /// PNG for the middle of the code, which then repairs itself twice as well
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
    /// How wide a .png should be at least; modules stay whole pixels, four or more each
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pixels: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Size {
    /// The code alone, with its quiet zone
    Code,
    A4,
    A5,
    A6,
    A7,
    /// For a table: an A4 sheet folded in two, read from both sides
    Tent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Words {
    Ru,
    En,
}

impl Words {
    const fn lang(self) -> Lang {
        match self {
            Words::Ru => Lang::Ru,
            Words::En => Lang::En,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pdf,
    Svg,
    Png,
}

/// What was drawn.
#[derive(Serialize)]
struct Drawn {
    file: String,
    bytes: usize,
    /// Modules on a side of the code, without the quiet zone.
    modules: i32,
    /// On paper, in hundredths of a millimetre; nothing for a code alone.
    module_hundredths_mm: Option<i32>,
    cards: Option<usize>,
}

impl QrArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        match self.command {
            Command::Create(args) => args.run(globals).await,
            Command::Print(args) => args.run(globals),
            Command::Place(args) => args.run(globals).await,
            Command::Invoice(args) => args.run(globals).await,
            Command::Watch(args) => args.run(globals).await,
        }
    }
}

impl PrintArgs {
    fn run(self, globals: &Globals) -> Result<(), Fail> {
        let kind = kind_of(&self.out)?;
        let code = match &self.logo {
            Some(path) => Code::with_logo(&self.payload, read_logo(path)?)?,
            None => Code::new(&self.payload)?,
        };
        let modules = code.side();
        let default = if kind == Kind::Png { Size::Code } else { Size::A6 };
        let format = match self.size.unwrap_or(default) {
            Size::Code => None,
            Size::A4 => Some(Format::A4),
            Size::A5 => Some(Format::A5),
            Size::A6 => Some(Format::A6),
            Size::A7 => Some(Format::A7),
            Size::Tent => Some(Format::Tent),
        };
        let (bytes, module, cards) = match format {
            None => (self.alone(&code, kind)?, None, None),
            Some(format) => {
                let sheet = self.poster(code)?.draw(format, self.per_sheet)?;
                let bytes = match kind {
                    Kind::Pdf => sheet.to_pdf()?,
                    Kind::Svg => sheet.to_svg()?.into_bytes(),
                    Kind::Png => return Err(png_is_alone()),
                };
                (bytes, Some(sheet.module()), Some(sheet.cards()))
            }
        };
        let file = self.out.display().to_string();
        fs::write(&self.out, &bytes).map_err(|error| {
            let message = format!("{file} cannot be written: {error}");
            Fail::new("file_not_written", message, "--out names a file in a folder that exists")
                .param("out")
        })?;
        let drawn =
            Drawn { file, bytes: bytes.len(), modules, module_hundredths_mm: module, cards };
        globals.out().show(&drawn, || describe(&drawn))
    }

    fn poster(&self, code: Code) -> Result<Poster, Fail> {
        let name = self.name.clone().ok_or_else(|| {
            Fail::usage("A poster says whom one pays", "Give --name, or --size code for no poster")
                .param("name")
        })?;
        Ok(Poster {
            code,
            name,
            place: self.place.clone(),
            sum: self.sum,
            way: Way::of(&self.payload),
            lang: self.lang.lang(),
        })
    }

    fn alone(&self, code: &Code, kind: Kind) -> Result<Vec<u8>, Fail> {
        let given = [
            ("name", self.name.is_some()),
            ("place", self.place.is_some()),
            ("sum", self.sum.is_some()),
            ("per_sheet", self.per_sheet != 1),
        ];
        if let Some((param, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
            let flag = param.replace('_', "-");
            let message = format!("A code alone has no room for --{flag}");
            let hint = "Posters are .pdf or .svg, of --size a4, a5, a6, a7 or tent";
            return Err(Fail::usage(message, hint).param(param));
        }
        match kind {
            Kind::Svg => Ok(code.to_svg("QR").into_bytes()),
            Kind::Png => Ok(code.to_png(self.pixels)?),
            Kind::Pdf => Err(Fail::usage(
                "A code alone is drawn as .svg or .png",
                "Take another ending for --out, or another --size",
            )
            .param("out")),
        }
    }
}

fn png_is_alone() -> Fail {
    let hint = "Posters are .pdf or .svg, which print sharp at any size";
    Fail::usage("A .png is drawn for a code alone", hint).param("out")
}

fn kind_of(out: &Path) -> Result<Kind, Fail> {
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("pdf") => Ok(Kind::Pdf),
        Some("svg") => Ok(Kind::Svg),
        Some("png") => Ok(Kind::Png),
        Some(_) | None => {
            let message = format!("What should {} be?", out.display());
            Err(Fail::usage(message, "--out ends with .pdf, .svg or .png").param("out"))
        }
    }
}

fn read_logo(path: &Path) -> Result<Logo, Fail> {
    let bytes = fs::read(path).map_err(|error| {
        let message = format!("The logo {} cannot be read: {error}", path.display());
        Fail::new("logo_invalid", message, "--logo takes a PNG file").param("logo")
    })?;
    Ok(Logo::read(&bytes)?)
}

fn describe(drawn: &Drawn) -> String {
    let mut text = format!("{} {}", paint(GOOD, "✓"), drawn.file);
    if let (Some(module), Some(cards)) = (drawn.module_hundredths_mm, drawn.cards) {
        let (whole, rest) = (module / 100, module % 100);
        let codes = if cards == 1 { "one code".to_owned() } else { format!("{cards} codes") };
        let about = format!("  {codes}, modules of {whole}.{rest:02} mm; print at 100 %");
        text.push_str(&paint(FAINT, &about));
    }
    text
}
