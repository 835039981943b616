//! One battery for every flavour: each case runs the reference and the flavour on the same input and compares. Natively
//! a test runs it, on `fast` and on `scalar`; in a browser the exports do. Knows nothing of how a flavour computes.

mod convolution;
mod elementwise;
#[cfg(all(target_arch = "wasm32", feature = "battery"))]
mod exports;
pub mod four_bits;
#[cfg(all(target_arch = "wasm32", feature = "battery"))]
pub mod measure;
mod product;
mod sixteen_bits;
mod transformer;

pub use super::random::Random;

/// A comparison with a name that says the kernel, the shape and the values.
pub struct Case {
    pub name: String,
    pub run: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl Case {
    fn new(name: impl Into<String>, run: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

macro_rules! declare {
    ($module:ident::$name:ident($($argument:ident: $type:ty),*)) => {
        fn $name($($argument: $type),*);
    };
}

macro_rules! forward {
    ($module:ident::$name:ident($($argument:ident: $type:ty),*)) => {
        fn $name($($argument: $type),*) {
            the_flavour::$name($($argument),*);
        }
    };
}

/// A flavour's kernels as those of a type, so that the cases are made for one or the other.
pub trait Flavour: 'static {
    super::each_kernel!(declare);
}

pub struct Fast;

const _: () = {
    use super::fast as the_flavour;
    impl Flavour for Fast {
        super::each_kernel!(forward);
    }
};

pub fn cases<F: Flavour>() -> Vec<Case> {
    [
        product::cases::<F>(),
        four_bits::cases::<F>(),
        sixteen_bits::cases::<F>(),
        elementwise::cases::<F>(),
        transformer::cases::<F>(),
        convolution::cases::<F>(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The values of a list that a case is made for. Miri is a thousand times slower, and only looks for what a loop may not
/// touch: it gets the few at the edges of lanes, tiles and blocks.
const fn sizes(all: &'static [usize], few: &'static [usize]) -> &'static [usize] {
    if cfg!(miri) { few } else { all }
}

/// What a product multiplies.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    Random,
    /// All weights the lowest, activations at an end of theirs: the largest sums.
    Lowest,
    /// All the highest.
    Highest,
    /// The lowest and the highest weight by turns: pairs of products that cancel.
    Alternating,
}

impl Values {
    pub const ALL: &[Self] =
        if cfg!(miri) { &[Self::Random] } else { &[Self::Random, Self::Lowest, Self::Highest, Self::Alternating] };
}

/// Equal to the bit, where zeros of both signs are one number and so are all that are none.
fn equal(got: &[f32], want: &[f32]) -> Result<(), String> {
    within(got, want, |_, _| 0.0)
}

/// `allowed` is the largest difference at an index and wanted value.
fn within(got: &[f32], want: &[f32], allowed: impl Fn(usize, f32) -> f32) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!("{} numbers instead of {}", got.len(), want.len()));
    }
    for (index, (&got, &want)) in got.iter().zip(want).enumerate() {
        let same = got == want || (got.is_nan() && want.is_nan());
        let close = (got - want).abs() <= allowed(index, want);
        if !same && !close {
            return Err(format!("at {index}: {got:e} instead of {want:e}, allowed is {:e}", allowed(index, want)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Fast, Flavour, cases};

    struct Scalar;

    const _: () = {
        use crate::kernels::scalar as the_flavour;
        impl Flavour for Scalar {
            crate::kernels::each_kernel!(forward);
        }
    };

    fn agrees_with_the_reference<F: Flavour>() {
        let cases = cases::<F>();
        let failures: Vec<String> = cases
            .iter()
            .filter_map(|case| (case.run)().err().map(|message| format!("{}: {message}", case.name)))
            .collect();
        assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
    }

    #[test]
    #[cfg_attr(miri, ignore = "no processor's own instructions there: fast is scalar")]
    fn fast_agrees_with_the_reference() {
        agrees_with_the_reference::<Fast>();
    }

    #[test]
    fn scalar_agrees_with_the_reference() {
        agrees_with_the_reference::<Scalar>();
    }

    /// A battery that cannot fail proves nothing: `within` must see a last element that is off, and a missing one.
    #[test]
    fn comparison_sees_differences() {
        assert!(super::equal(&[1.0, 2.0], &[1.0, 2.000_000_2]).is_err());
        assert!(super::equal(&[1.0], &[1.0, 2.0]).is_err());
        assert!(super::equal(&[f32::NAN], &[0.0]).is_err());
        assert!(super::equal(&[f32::NAN, 0.0], &[f32::NAN, -0.0]).is_ok());
    }

    /// What a processor is not asked for, or can't do, is done in plain arrays, and never by the reference.
    #[test]
    fn the_fastest_flavour_of_the_processor_is_used() {
        #[cfg(target_arch = "x86_64")]
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        #[cfg(not(target_arch = "x86_64"))]
        let has_avx2 = false;
        let expected = if has_avx2 && !cfg!(feature = "scalar") { "AVX2" } else { "scalar" };
        assert_eq!(crate::kernels::flavour(), expected);
    }
}
