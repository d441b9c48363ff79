//! Curves that aws-lc does not know by name.

use std::ptr;

use aws_lc_sys::*;

use super::number::context;
use super::{Number, Owned, done};

/// A curve from its numbers. They must come from a table: aws-lc does not check them.
pub struct Group(Owned<EC_GROUP>);

// SAFETY: a group of aws-lc that is made and then only read may be used from many threads.
unsafe impl Send for Group {}
// SAFETY: as above.
unsafe impl Sync for Group {}

impl Group {
    /// From p, a, b and n, and the uncompressed base point; the cofactor is 1.
    pub fn new([p, a, b, n]: [&[u8]; 4], generator: &[u8]) -> Option<Group> {
        let (p, a, b, n, one) =
            (Number::new(p)?, Number::new(a)?, Number::new(b)?, Number::new(n)?, Number::new(&[1])?);
        let context = context()?;
        let (x, y) = generator.strip_prefix(&[4])?.split_at(generator.len() / 2);
        let (x, y) = (Number::new(x)?, Number::new(y)?);
        // SAFETY: three numbers and a context that are alive; the result is checked.
        let group = unsafe { EC_GROUP_new_curve_GFp(p.0.raw(), a.0.raw(), b.0.raw(), context.raw()) };
        let group = Group(Owned::take(group)?);
        let point = group.blank()?;
        let raw = group.0.raw();
        // SAFETY: group, point, numbers and context are alive; what is set is copied.
        unsafe {
            let (x, y) = (x.0.raw(), y.0.raw());
            done(EC_POINT_set_affine_coordinates_GFp(raw, point.raw(), x, y, context.raw()))?;
            done(EC_GROUP_set_generator(raw, point.raw(), n.0.raw(), one.0.raw()))?;
        }
        Some(group)
    }

    /// The base point so many times, uncompressed; `None` for the point at infinity.
    pub fn times_generator(&self, scalar: &[u8]) -> Option<Vec<u8>> {
        let (scalar, point, context) = (Number::new(scalar)?, self.blank()?, context()?);
        let (raw, none) = (self.0.raw(), ptr::null());
        // SAFETY: group, point, number and context are alive.
        done(unsafe { EC_POINT_mul(raw, point.raw(), scalar.0.raw(), none, ptr::null(), context.raw()) })?;
        // SAFETY: the group is alive.
        let size = unsafe { EC_GROUP_get_degree(raw) }.div_ceil(8) as usize;
        let mut out = vec![0; 1 + 2 * size];
        let form = point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED;
        // SAFETY: group and point are alive; pointer and length are of one vector.
        let len =
            unsafe { EC_POINT_point2oct(raw, point.raw(), form, out.as_mut_ptr(), out.len(), context.raw()) };
        (len == out.len()).then_some(out).or_else(|| done(0).and(None))
    }

    pub(super) fn raw(&self) -> *const EC_GROUP {
        self.0.raw()
    }

    fn blank(&self) -> Option<Owned<EC_POINT>> {
        // SAFETY: the group is alive.
        Owned::take(unsafe { EC_POINT_new(self.0.raw()) })
    }
}
