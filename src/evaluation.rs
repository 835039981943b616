//! How good verdicts are on texts whose labels are known: the table that they come in, and the figures that are made of them. For
//! the command line's `eval`, and for the page that measures what is installed (web/pages/proof), so that both mean the same by
//! the same word. It must never judge a text.

#![warn(missing_docs)]

use serde::Serialize;

use crate::protocol::{Sentiment, Shares};

/// Between no and full probability, of equal width.
pub const BINS: usize = 15;
/// The classes of a table whose labels are 0 and 1.
pub const TWO: [&str; 2] = ["negative", "positive"];
/// The classes of a table whose labels are 0, 1 and 2.
pub const THREE: [&str; 3] = ["negative", "neutral", "positive"];

/// A row of the table: its text, and what the label and the column `kind` say where the table has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// With its line breaks.
    pub sentence: String,
    /// 0, 1 or 2.
    pub label: Option<usize>,
    /// As the table calls it.
    pub kind: Option<&'a str>,
}

/// Columns `sentence`, and where there are such, `label` and `kind`, of a table with a heading; further columns are
/// ignored. A line break inside a text is written \n.
pub fn read_rows(text: &str) -> Result<Vec<Row<'_>>, String> {
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| heading.iter().position(|heading| *heading == name);
    let sentence = column("sentence").ok_or("its first line names no column \"sentence\"")?;
    let (label, kind) = (column("label"), column("kind"));
    let read = |(number, line): (usize, &'_ str)| -> Result<Option<usize>, String> {
        let Some(label) = label else { return Ok(None) };
        match line.split('\t').nth(label).unwrap_or_default().trim() {
            "0" => Ok(Some(0)),
            "1" => Ok(Some(1)),
            "2" => Ok(Some(2)),
            other => Err(format!("line {number}: the label must be 0, 1 or 2, not \"{other}\"")),
        }
    };
    let rows: Result<Vec<Row>, String> = (2..)
        .zip(lines)
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            let field = |column: usize| line.split('\t').nth(column).unwrap_or_default();
            let sentence = field(sentence).replace("\\n", "\n");
            Ok(Row { sentence, label: read((number, line))?, kind: kind.map(field) })
        })
        .collect();
    match rows {
        Ok(rows) if rows.is_empty() => Err("it has no sentences".into()),
        rows => rows,
    }
}

/// The class that a verdict says, of two or three; none where it says of no class that it is clear.
pub fn class_of(sentiment: Sentiment, n_ways: usize) -> Option<usize> {
    match sentiment {
        Sentiment::Positive => Some(n_ways - 1),
        Sentiment::Negative => Some(0),
        Sentiment::Neutral if n_ways == THREE.len() => Some(1),
        _ => None,
    }
}

/// What came of some rows, by the model's shares. Of two classes, what is called neutral counts for the side that is likelier.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Their names, in the order of the labels.
    pub classes: Vec<&'static str>,
    /// So many rows.
    pub sentences: usize,
    /// Of these, those whose likeliest class is the label's.
    pub correct: usize,
    /// Their share.
    pub accuracy: f64,
    /// The mean over the classes that the table has.
    pub macro_f1: f64,
    /// Of each class; none where the table has none of it.
    pub recall: Vec<Option<f64>>,
    /// Rows: what the label says; columns: what the model says.
    pub confusion: Vec<Vec<usize>>,
    /// Expected calibration error over [`BINS`] bins of the winning class's share.
    pub ece: f64,
    /// Those bins.
    pub reliability: Vec<Bin>,
}

/// Verdicts whose share lies between two borders.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Bin {
    /// So many verdicts.
    pub n: usize,
    /// What they said; 0 without any.
    pub mean_share: f64,
    /// How often they were right; 0 without any.
    pub accuracy: f64,
}

/// Of each row the shares and the label, which is below `n_ways`.
pub fn figures(judged: &[(Shares, usize)], n_ways: usize) -> Figures {
    let mut confusion = vec![vec![0; n_ways]; n_ways];
    let mut bins = [(0usize, 0f64, 0usize); BINS];
    for &(Shares { negative, neutral, positive }, label) in judged {
        let shares = match n_ways {
            2 => vec![negative / (negative + positive), positive / (negative + positive)],
            _ => vec![negative, neutral, positive],
        };
        let said = (0..n_ways).fold(0, |best, way| if shares[way] > shares[best] { way } else { best });
        confusion[label][said] += 1;
        let share = f64::from(shares[said]);
        let bin = &mut bins[((share * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + 1, bin.1 + share, bin.2 + usize::from(said == label));
    }
    let n_labelled = |way: usize| confusion[way].iter().sum::<usize>();
    let f1 = |way: usize| {
        let n_said: usize = confusion.iter().map(|row| row[way]).sum();
        2.0 * confusion[way][way] as f64 / (n_labelled(way) + n_said).max(1) as f64
    };
    let present: Vec<usize> = (0..n_ways).filter(|&way| n_labelled(way) > 0).collect();
    let correct = (0..n_ways).map(|way| confusion[way][way]).sum::<usize>();
    let gap = |&(_, share, correct): &(usize, f64, usize)| (share - correct as f64).abs();
    let recall = |way: usize| (n_labelled(way) > 0).then(|| confusion[way][way] as f64 / n_labelled(way) as f64);
    let bin = |&(n, share, correct): &(usize, f64, usize)| match n {
        0 => Bin::default(),
        n => Bin { n, mean_share: share / n as f64, accuracy: correct as f64 / n as f64 },
    };
    Figures {
        classes: if n_ways == 2 { TWO.to_vec() } else { THREE.to_vec() },
        sentences: judged.len(),
        correct,
        accuracy: correct as f64 / judged.len() as f64,
        macro_f1: present.iter().map(|&way| f1(way)).sum::<f64>() / present.len() as f64,
        recall: (0..n_ways).map(recall).collect(),
        ece: bins.iter().map(gap).sum::<f64>() / judged.len() as f64,
        reliability: bins.iter().map(bin).collect(),
        confusion,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_its_line_breaks() {
        let rows = read_rows("kind\tsentence\tlabel\nlist\tone\\ntwo\t1\n\nchat\tgreat\t2\n").unwrap();
        assert_eq!(rows[0], Row { sentence: "one\ntwo".to_owned(), label: Some(1), kind: Some("list") });
        assert_eq!((rows.len(), rows[1].label), (2, Some(2)));
    }

    #[test]
    fn a_table_that_is_none_is_refused_by_name() {
        for (text, says) in [
            ("text\tlabel\na\t1\n", "no column \"sentence\""),
            ("sentence\tlabel\na\t3\n", "line 2: the label must be 0, 1 or 2, not \"3\""),
            ("sentence\n", "no sentences"),
        ] {
            assert!(read_rows(text).unwrap_err().contains(says), "{text}");
        }
    }

    #[test]
    fn sure_and_right_is_calibrated_and_sure_and_wrong_is_not() {
        let shares = |negative, neutral, positive| Shares { negative, neutral, positive };
        let right = figures(&[(shares(1.0, 0.0, 0.0), 0), (shares(0.0, 0.0, 1.0), 2)], 3);
        assert_eq!((right.correct, right.accuracy, right.macro_f1, right.ece), (2, 1.0, 1.0, 0.0));
        let half = figures(&[(shares(1.0, 0.0, 0.0), 0), (shares(1.0, 0.0, 0.0), 2)], 3);
        assert_eq!((half.correct, half.ece), (1, 0.5));
        assert_eq!((half.confusion[0][0], half.confusion[2][0], half.recall[1]), (1, 1, None));
    }

    #[test]
    fn what_is_unclear_is_of_no_class() {
        assert_eq!(
            [Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive].map(|one| class_of(one, 3)),
            [Some(0), Some(1), Some(2)]
        );
        assert_eq!((class_of(Sentiment::Positive, 2), class_of(Sentiment::Neutral, 2)), (Some(1), None));
        assert_eq!((class_of(Sentiment::Mixed, 3), class_of(Sentiment::Unclear, 3)), (None, None));
    }
}
