//! Objects: made, copied, found, read, changed, destroyed; keys generated, wrapped, derived.

use std::ptr::null_mut;

use crate::call::{ask, input, len, ok};
use crate::{Mechanism, Result, Rv, Session, Template, ids::*};

/// What C_GetAttributeValue wrote for one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub attribute: CK_ATTRIBUTE_TYPE,
    /// None where the module wrote CK_UNAVAILABLE_INFORMATION.
    pub length: Option<usize>,
    /// The first bytes of the buffer, as many as `length` says and the buffer holds.
    pub bytes: Vec<u8>,
}

impl Session<'_> {
    pub fn create(&self, template: &Template) -> Result<CK_OBJECT_HANDLE> {
        self.made(|handle| template.lend(|t, n| raw!(self.c(), C_CreateObject(self.handle, t, n, handle))))
    }

    pub fn copy(&self, object: CK_OBJECT_HANDLE, template: &Template) -> Result<CK_OBJECT_HANDLE> {
        self.made(|handle| {
            template.lend(|t, n| raw!(self.c(), C_CopyObject(self.handle, object, t, n, handle)))
        })
    }

    pub fn destroy(&self, object: CK_OBJECT_HANDLE) -> Result<()> {
        ok(raw!(self.c(), C_DestroyObject(self.handle, object)))
    }

    pub fn size(&self, object: CK_OBJECT_HANDLE) -> Result<usize> {
        let mut size = 0;
        ok(raw!(self.c(), C_GetObjectSize(self.handle, object, &mut size))).map(|()| size as usize)
    }

    pub fn set(&self, object: CK_OBJECT_HANDLE, template: &Template) -> Result<()> {
        ok(template.lend(|t, n| raw!(self.c(), C_SetAttributeValue(self.handle, object, t, n))))
    }

    /// C_GetAttributeValue with one buffer (or NULL) of the given size for each attribute.
    pub fn read(
        &self,
        object: CK_OBJECT_HANDLE,
        wanted: &[(CK_ATTRIBUTE_TYPE, Option<usize>)],
    ) -> (Rv, Vec<Read>) {
        let mut buffers: Vec<_> = wanted.iter().map(|(_, size)| vec![0x5A; size.unwrap_or(0) + 16]).collect();
        let lend = |((attribute, size), buffer): (&(_, Option<usize>), &mut Vec<u8>)| {
            let pointer = size.map_or(null_mut(), |_| buffer.as_mut_ptr().cast());
            CK_ATTRIBUTE { type_: *attribute, pValue: pointer, ulValueLen: len(size.unwrap_or(0)) }
        };
        let mut attributes: Vec<_> = wanted.iter().zip(&mut buffers).map(lend).collect();
        let rv = raw!(
            self.c(),
            C_GetAttributeValue(self.handle, object, attributes.as_mut_ptr(), len(wanted.len()))
        );
        let read = attributes.iter().zip(buffers).zip(wanted).map(|((attribute, mut buffer), (_, size))| {
            let size = size.unwrap_or(0);
            assert!(buffer[size..].iter().all(|byte| *byte == 0x5A), "written past the end of an attribute");
            let length =
                (attribute.ulValueLen != CK_UNAVAILABLE_INFORMATION).then_some(attribute.ulValueLen as usize);
            buffer.truncate(size.min(length.unwrap_or(0)));
            Read { attribute: attribute.type_, length, bytes: buffer }
        });
        (rv, read.collect())
    }

    /// The value of one attribute.
    pub fn get(&self, object: CK_OBJECT_HANDLE, attribute: CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>> {
        let (rv, query) = self.read(object, &[(attribute, None)]);
        ok(rv)?;
        let size = query[0].length.expect("a length with CKR_OK");
        let (rv, mut read) = self.read(object, &[(attribute, Some(size))]);
        ok(rv).map(|()| read.remove(0).bytes)
    }

    /// The value of a CK_BBOOL attribute.
    pub fn flag(&self, object: CK_OBJECT_HANDLE, attribute: CK_ATTRIBUTE_TYPE) -> Result<bool> {
        self.get(object, attribute).map(|bytes| match bytes[..] {
            [CK_FALSE] => false,
            [CK_TRUE] => true,
            _ => panic!("not a CK_BBOOL: {bytes:?}"),
        })
    }

    /// The value of a CK_ULONG attribute.
    pub fn number(&self, object: CK_OBJECT_HANDLE, attribute: CK_ATTRIBUTE_TYPE) -> Result<CK_ULONG> {
        self.get(object, attribute).map(|bytes| match bytes.try_into() {
            Ok(bytes) => CK_ULONG::from_ne_bytes(bytes),
            Err(bytes) => panic!("not a CK_ULONG: {bytes:?}"),
        })
    }

    /// Every object that matches, in the order of their handles.
    pub fn find(&self, template: &Template) -> Result<Vec<CK_OBJECT_HANDLE>> {
        self.find_init(template)?;
        let mut all = Vec::new();
        loop {
            match self.find_next(10)?.as_slice() {
                [] => break,
                some => all.extend_from_slice(some),
            }
        }
        self.find_final()?;
        all.sort_unstable();
        Ok(all)
    }

    pub fn find_init(&self, template: &Template) -> Result<()> {
        ok(template.lend(|t, n| raw!(self.c(), C_FindObjectsInit(self.handle, t, n))))
    }

    pub fn find_next(&self, most: usize) -> Result<Vec<CK_OBJECT_HANDLE>> {
        let (mut found, mut count) = (vec![0; most], 0);
        ok(raw!(self.c(), C_FindObjects(self.handle, found.as_mut_ptr(), len(most), &mut count)))?;
        assert!(count as usize <= most, "C_FindObjects found more than it was asked for");
        found.truncate(count as usize);
        Ok(found)
    }

    pub fn find_final(&self) -> Result<()> {
        ok(raw!(self.c(), C_FindObjectsFinal(self.handle)))
    }

    pub fn generate(&self, mechanism: impl Into<Mechanism>, template: &Template) -> Result<CK_OBJECT_HANDLE> {
        self.made(|handle| {
            mechanism
                .into()
                .lend(|m| template.lend(|t, n| raw!(self.c(), C_GenerateKey(self.handle, m, t, n, handle))))
        })
    }

    /// The public and the private key.
    pub fn generate_pair(
        &self,
        mechanism: impl Into<Mechanism>,
        public: &Template,
        private: &Template,
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let mut pair = (CK_INVALID_HANDLE, CK_INVALID_HANDLE);
        let rv = mechanism.into().lend(|m| {
            public.lend(|pub_t, pub_n| {
                private.lend(|priv_t, priv_n| {
                    raw!(
                        self.c(),
                        C_GenerateKeyPair(
                            self.handle,
                            m,
                            pub_t,
                            pub_n,
                            priv_t,
                            priv_n,
                            &mut pair.0,
                            &mut pair.1
                        )
                    )
                })
            })
        });
        ok(rv).map(|()| pair)
    }

    pub fn wrap(
        &self,
        mechanism: impl Into<Mechanism>,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Vec<u8>> {
        mechanism.into().lend(|m| ask(|p, l| raw!(self.c(), C_WrapKey(self.handle, m, wrapping, key, p, l))))
    }

    pub fn unwrap(
        &self,
        mechanism: impl Into<Mechanism>,
        unwrapping: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: &Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let (bytes, length) = (input(wrapped), len(wrapped.len()));
        self.made(|handle| {
            mechanism.into().lend(|m| {
                template.lend(|t, n| {
                    raw!(self.c(), C_UnwrapKey(self.handle, m, unwrapping, bytes, length, t, n, handle))
                })
            })
        })
    }

    pub fn derive(
        &self,
        mechanism: impl Into<Mechanism>,
        base: CK_OBJECT_HANDLE,
        template: &Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        self.made(|handle| {
            mechanism.into().lend(|m| {
                template.lend(|t, n| raw!(self.c(), C_DeriveKey(self.handle, m, base, t, n, handle)))
            })
        })
    }

    /// C_DeriveKey of a mechanism whose handles come through its parameter: the handle's own place is NULL.
    pub fn derive_without_handle(
        &self,
        mechanism: impl Into<Mechanism>,
        base: CK_OBJECT_HANDLE,
        template: &Template,
    ) -> Result<()> {
        let none = std::ptr::null_mut();
        ok(mechanism
            .into()
            .lend(|m| template.lend(|t, n| raw!(self.c(), C_DeriveKey(self.handle, m, base, t, n, none)))))
    }

    /// A call that gives one handle.
    fn made(&self, call: impl FnOnce(*mut CK_OBJECT_HANDLE) -> Rv) -> Result<CK_OBJECT_HANDLE> {
        let mut handle = CK_INVALID_HANDLE;
        ok(call(&mut handle))?;
        assert_ne!(handle, CK_INVALID_HANDLE, "CKR_OK comes with a handle");
        Ok(handle)
    }

    /// C_GetAttributeValue with attributes exactly as given, for hostile tests.
    pub fn read_raw(&self, object: CK_OBJECT_HANDLE, attributes: &mut [CK_ATTRIBUTE]) -> Rv {
        let (pointer, count) = (attributes.as_mut_ptr(), len(attributes.len()));
        raw!(self.c(), C_GetAttributeValue(self.handle, object, pointer, count))
    }
}
