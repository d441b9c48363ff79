//! aws-lc's allocator. The four functions are weak in aws-lc, so that a host process that has such symbols of its own would
//! lend its allocator to our keys. They are defined here, hidden: neither imported nor exported by the module.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr;

/// Room before each allocation for its size, and its alignment.
const HEAD: usize = 16;

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEAD)?, HEAD).ok()
}

pub extern "C" fn allocate(size: usize) -> *mut u8 {
    #[cfg(test)]
    tests::COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let Some(layout) = layout(size) else { return ptr::null_mut() };
    // SAFETY: the layout is not empty; the head is aligned and has room for a size.
    unsafe {
        let base = alloc(layout);
        if base.is_null() {
            return base;
        }
        base.cast::<usize>().write(size);
        base.add(HEAD)
    }
}

/// # Safety
/// `block` came from `allocate` and is not used afterwards.
pub unsafe extern "C" fn free(block: *mut u8) {
    // SAFETY: by the promise, the head is before the block and tells its size.
    unsafe {
        let size = size(block);
        let Some(layout) = layout(size) else { return };
        // A plain memset that the compiler may not drop; `zeroize` writes byte by byte, eight times slower.
        aws_lc_sys::OPENSSL_cleanse(block.cast(), size);
        dealloc(block.sub(HEAD), layout);
    }
}

/// # Safety
/// `block` came from `allocate`.
pub unsafe extern "C" fn size(block: *mut u8) -> usize {
    // SAFETY: by the promise, the head is before the block.
    unsafe { block.sub(HEAD).cast::<usize>().read() }
}

/// # Safety
/// `block` came from `allocate`; it is not used afterwards, unless the answer is NULL.
pub unsafe extern "C" fn reallocate(block: *mut u8, len: usize) -> *mut u8 {
    let new = allocate(len);
    if !new.is_null() {
        // SAFETY: both blocks have at least the smaller size, and are apart.
        unsafe {
            ptr::copy_nonoverlapping(block, new, size(block).min(len));
            free(block);
        }
    }
    new
}

#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    () => {
        "jmp"
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    () => {
        "b"
    };
}

macro_rules! hidden {
    ($($name:literal => $function:path;)*) => {$(
        std::arch::global_asm!(
            concat!(".pushsection .text.", $name, ",\"ax\",@progbits"),
            concat!(".globl ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ",@function"),
            concat!($name, ":"),
            concat!(jump!(), " {function}"),
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            function = sym $function,
        );
    )*};
}

hidden! {
    "OPENSSL_memory_alloc" => allocate;
    "OPENSSL_memory_free" => free;
    "OPENSSL_memory_get_size" => size;
    "OPENSSL_memory_realloc" => reallocate;
}

#[cfg(test)]
mod tests {
    use aws_lc_sys::{ERR_clear_error, OPENSSL_free, OPENSSL_malloc, OPENSSL_realloc};
    use std::sync::atomic::{AtomicUsize, Ordering};

    pub static COUNT: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn aws_lc_allocates_through_us() {
        let before = COUNT.load(Ordering::Relaxed);
        let number = super::super::Number::new(&[7; 100]).unwrap();
        assert!(COUNT.load(Ordering::Relaxed) > before);
        assert_eq!(number.bytes().expose(), [7; 100]);
        // SAFETY: a block of aws-lc's allocator, used within its size, freed once.
        unsafe {
            let block = OPENSSL_malloc(10).cast::<u8>();
            block.write_bytes(5, 10);
            let block = OPENSSL_realloc(block.cast(), 10_000).cast::<u8>();
            assert_eq!(std::slice::from_raw_parts(block, 10), [5; 10]);
            OPENSSL_free(block.cast());
            assert!(OPENSSL_malloc(usize::MAX).is_null());
            ERR_clear_error();
        }
    }
}
