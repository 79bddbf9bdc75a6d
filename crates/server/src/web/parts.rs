//! What parts of pages need that a template cannot reckon: geometry, in whole numbers.

/// A bar chart for `parts::chart`: drawn on the server, readable as a table.
#[derive(Clone, Debug)]
pub struct Chart {
    pub title: String,
    pub width: i64,
    pub height: i64,
    /// Where the bars stand.
    pub floor: i64,
    pub bars: Vec<Bar>,
}

#[derive(Clone, Debug)]
pub struct Bar {
    /// What it stands for, such as a day.
    pub label: String,
    /// How much that is, for people.
    pub said: String,
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
    pub middle: i64,
    /// Nothing, or less: a stub, so that an empty day is seen to be one.
    pub is_none: bool,
    /// Labels that would run into each other are left out; the table has them all.
    pub is_labelled: bool,
}

const WIDTH: i64 = 640;
const HEIGHT: i64 = 200;
/// Below the floor: a line of labels.
const FLOOR: i64 = 176;
const STUB: i64 = 2;
/// A label such as «21.11» and some air.
const LABEL_WIDTH: i64 = 48;

impl Chart {
    /// `bars` are (label, amount, amount for people), from left to right.
    pub fn of_bars(title: &str, bars: Vec<(String, i64, String)>) -> Chart {
        let count = i64::try_from(bars.len()).unwrap_or(1).max(1);
        let most = bars.iter().map(|(_, amount, _)| *amount).max().unwrap_or(0).max(1);
        let pitch = (WIDTH / count).max(1);
        let width = (pitch - (pitch / 5).max(1)).max(1);
        let every = (LABEL_WIDTH + pitch - 1) / pitch;
        let bar = |(at, (label, amount, said)): (i64, (String, i64, String))| {
            // Sums of kopecks times the height of a picture exceed 64 bits late, but they do.
            let tall = i128::from(amount.max(0)) * i128::from(FLOOR - STUB) / i128::from(most);
            let height = i64::try_from(tall).unwrap_or(FLOOR).max(STUB);
            let x = at * pitch;
            Bar {
                label,
                said,
                x,
                y: FLOOR - height,
                width,
                height,
                middle: x + width / 2,
                is_none: amount <= 0,
                is_labelled: at % every == 0,
            }
        };
        let bars = (0..).zip(bars).map(bar).collect();
        Chart { title: title.to_owned(), width: WIDTH, height: HEIGHT, floor: FLOOR, bars }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(amounts: &[i64]) -> Chart {
        let bar = |amount: &i64| ("a".to_owned(), *amount, amount.to_string());
        Chart::of_bars("", amounts.iter().map(bar).collect())
    }

    #[test]
    fn bars_stay_within_the_picture_and_keep_their_proportions() {
        for amounts in [
            &[][..],
            &[0],
            &[-5, 0],
            &[1, 2, 4],
            &[i64::MAX, 1, i64::MAX / 2],
            &[7; 365],
            &[3; 2000],
        ] {
            let chart = chart(amounts);
            for bar in &chart.bars {
                assert!(bar.y >= 0 && bar.height >= STUB && bar.width > 0, "{bar:?}");
                assert_eq!(bar.y + bar.height, chart.floor);
            }
        }
        let heights: Vec<i64> = chart(&[100, 50, 0]).bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [174, 87, 2]);
        assert!(chart(&[0]).bars[0].is_none && !chart(&[1]).bars[0].is_none);
    }

    #[test]
    fn labels_do_not_run_into_each_other() {
        let chart = chart(&[1; 30]);
        let shown: Vec<i64> =
            chart.bars.iter().filter(|bar| bar.is_labelled).map(|bar| bar.middle).collect();
        assert!(shown.len() > 5, "{shown:?}");
        assert!(shown.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_WIDTH), "{shown:?}");
    }
}
