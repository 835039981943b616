//! One battery for every flavour: each case runs the reference and `fast` on the same input and compares. Natively a
//! test runs it; in a browser the exports do. Knows nothing of how a flavour computes.

mod convolution;
mod elementwise;
#[cfg(all(target_arch = "wasm32", feature = "battery"))]
mod exports;
#[cfg(all(target_arch = "wasm32", feature = "battery"))]
pub mod measure;
mod product;
mod transformer;
mod widen;

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

pub fn cases() -> Vec<Case> {
    [product::cases(), elementwise::cases(), transformer::cases(), convolution::cases(), widen::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// Numbers that look random and are the same on every run (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0..n
    pub fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// −1..1
    pub fn float(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub fn floats(&mut self, n: usize, size: f32) -> Vec<f32> {
        (0..n).map(|_| self.float() * size).collect()
    }
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
    #[test]
    fn fast_agrees_with_the_reference() {
        let failures: Vec<String> = super::cases()
            .iter()
            .filter_map(|case| (case.run)().err().map(|message| format!("{}: {message}", case.name)))
            .collect();
        assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), super::cases().len(), failures.join("\n"));
    }

    /// A battery that cannot fail proves nothing: `within` must see a last element that is off, and a missing one.
    #[test]
    fn comparison_sees_differences() {
        assert!(super::equal(&[1.0, 2.0], &[1.0, 2.000_000_2]).is_err());
        assert!(super::equal(&[1.0], &[1.0, 2.0]).is_err());
        assert!(super::equal(&[f32::NAN], &[0.0]).is_err());
        assert!(super::equal(&[f32::NAN, 0.0], &[f32::NAN, -0.0]).is_ok());
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn processors_with_avx2_use_it() {
        let expected = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        assert_eq!(crate::kernels::flavour() == "AVX2", expected);
    }
}
