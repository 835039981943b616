//! Any vocabulary and any text, with symbols in words and alone: the same pieces with and without places, in bounds, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sotto::text::wordpiece::{Symbols, WordPiece};

fuzz_target!(|input: (Vec<u8>, String, u8)| {
    let (pieces, text, max_tokens) = input;
    let vocabulary = ["[PAD]\n[UNK]\n[CLS]\n[SEP]\n🏳\n".as_bytes(), &pieces].concat();
    for symbols in [Symbols::InWords, Symbols::Alone] {
        if let Ok(pieces) = WordPiece::new(vocabulary.clone(), symbols) {
            check(&pieces, &text, max_tokens);
        }
    }
});

fn check(pieces: &WordPiece, text: &str, max_tokens: u8) {
    let places = pieces.pieces_with_offsets(text);
    let all = pieces.encode(text, usize::MAX);
    assert_eq!(all.ids.len(), places.len() + 2);
    for (piece, id) in places.iter().zip(&all.ids[1..]) {
        assert_eq!(piece.id, *id);
        assert!(text.get(piece.bytes.clone()).is_some_and(|part| !part.is_empty()));
        assert!((piece.id as usize) < pieces.n_pieces());
    }
    let short = pieces.encode(text, max_tokens.into());
    assert!(short.ids.len() <= usize::from(max_tokens).max(2));
    assert_eq!(short.truncated, short.ids.len() < all.ids.len());
}
