// A token through graphene-pk11: Node's own crypto (OpenSSL) answers on the other side.
//
//     node graphene.js TOKENKEEP.JS PIN          (the file is what tokentool configure node writes)

'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const graphene = require('graphene-pk11');

const [configuration, pin] = process.argv.slice(2);
const { library, name, label } = require(configuration);
const message = crypto.randomBytes(20000);
const { ObjectClass, KeyType, KeyGenMechanism, SessionFlag, MechanismEnum } = graphene;

function keys(session, mechanism, name, more, privately) {
  const own = { token: true, label: name, id: Buffer.from(name) };
  return session.generateKeyPair(mechanism,
    { ...own, class: ObjectClass.PUBLIC_KEY, verify: true, ...more },
    { ...own, class: ObjectClass.PRIVATE_KEY, private: true, sensitive: true, sign: true, ...privately });
}

function sign(session, mechanism, key, parts) {
  const signer = session.createSign(mechanism, key);
  for (const part of parts) signer.update(part);
  return signer.final();
}

const halves = [message.subarray(0, 7777), message.subarray(7777)];

function rsa(session) {
  const pair = keys(session, KeyGenMechanism.RSA, 'rsa',
    { keyType: KeyType.RSA, modulusBits: 2048, publicExponent: Buffer.from([1, 0, 1]), encrypt: true }, { decrypt: true });
  const { modulus, publicExponent } = pair.publicKey.getAttribute({ modulus: null, publicExponent: null });
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: publicExponent.toString('base64url') };
  const key = crypto.createPublicKey({ key: jwk, format: 'jwk' });
  assert(crypto.verify('sha256', message, key, sign(session, 'SHA256_RSA_PKCS', pair.privateKey, halves)));
  const pss = { name: 'SHA256_RSA_PKCS_PSS', params: new graphene.RsaPssParams(MechanismEnum.SHA256, graphene.RsaMgf.MGF1_SHA256, 32) };
  const padding = { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  assert(crypto.verify('sha256', message, padding, sign(session, pss, pair.privateKey, halves)));
  const secret = Buffer.from('a secret');
  for (const [hash, number, mgf] of [['sha1', MechanismEnum.SHA1, graphene.RsaMgf.MGF1_SHA1],
    ['sha256', MechanismEnum.SHA256, graphene.RsaMgf.MGF1_SHA256]]) {
    const sealed = crypto.publicEncrypt({ key, oaepHash: hash }, secret);
    const oaep = { name: 'RSA_PKCS_OAEP', params: new graphene.RsaOaepParams(number, mgf) };
    const opened = session.createDecipher(oaep, pair.privateKey).once(sealed, Buffer.alloc(256));
    assert.deepStrictEqual(opened, secret, `OAEP ${hash}`);
  }
}

function curve(session) {
  const pair = keys(session, KeyGenMechanism.EC, 'curve',
    { keyType: KeyType.EC, paramsECDSA: graphene.NamedCurve.getByName('secp256r1').value }, { derive: true });
  const point = pair.publicKey.getAttribute('pointEC').subarray(-65);
  const coordinate = (from) => point.subarray(from, from + 32).toString('base64url');
  const key = crypto.createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33) }, format: 'jwk' });
  const digest = crypto.createHash('sha256').update(message).digest();
  const signature = session.createSign('ECDSA', pair.privateKey).once(digest);
  assert(crypto.verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature));
  const peer = crypto.createECDH('prime256v1');
  const theirs = peer.generateKeys();
  const derived = session.deriveKey({ name: 'ECDH1_DERIVE', params: new graphene.EcdhParams(graphene.EcKdf.NULL, null, theirs) },
    pair.privateKey, { class: ObjectClass.SECRET_KEY, keyType: KeyType.AES, valueLen: 32, token: false, sensitive: false,
      extractable: true, encrypt: true, decrypt: true });
  assert.deepStrictEqual(derived.getAttribute('value'), peer.computeSecret(point));
}

function secrets(session) {
  const value = crypto.randomBytes(32);
  const key = session.create({ class: ObjectClass.SECRET_KEY, keyType: KeyType.AES, value, token: false, encrypt: true,
    decrypt: true, wrap: true, unwrap: true }).toType();
  const iv = crypto.randomBytes(16);
  const cipher = session.createCipher({ name: 'AES_CBC_PAD', params: iv }, key);
  const sealed = Buffer.concat([...halves.map((half) => cipher.update(half)), cipher.final()]);
  const opener = crypto.createDecipheriv('aes-256-cbc', value, iv);
  assert.deepStrictEqual(Buffer.concat([opener.update(sealed), opener.final()]), message);
  const gcm = { name: 'AES_GCM', params: new graphene.AesGcm240Params(iv.subarray(4), Buffer.from('address'), 128) };
  const tagged = session.createCipher(gcm, key).once(message, Buffer.alloc(message.length + 16));
  const software = crypto.createDecipheriv('aes-256-gcm', value, iv.subarray(4));
  software.setAAD(Buffer.from('address'));
  software.setAuthTag(tagged.subarray(-16));
  assert.deepStrictEqual(Buffer.concat([software.update(tagged.subarray(0, -16)), software.final()]), message);
  const mac = session.create({ class: ObjectClass.SECRET_KEY, keyType: KeyType.GENERIC_SECRET, value, token: false, sign: true }).toType();
  assert.deepStrictEqual(sign(session, 'SHA256_HMAC', mac, halves), crypto.createHmac('sha256', value).update(message).digest());
  const digest = session.createDigest('SHA256');
  halves.forEach((half) => digest.update(half));
  assert.deepStrictEqual(digest.final(), crypto.createHash('sha256').update(message).digest());
}

function searching(session) {
  const found = session.find({ class: ObjectClass.PRIVATE_KEY });
  const labels = Array.from({ length: found.length }, (_, at) => found.items(at).toType().label).sort();
  assert.deepStrictEqual(labels, ['curve', 'rsa']);
  session.find({ class: ObjectClass.PRIVATE_KEY, label: 'curve' }).items(0).destroy();
  assert.strictEqual(session.find({ class: ObjectClass.PRIVATE_KEY }).length, 1);
  assert.throws(() => session.login(pin), /CKR_USER_ALREADY_LOGGED_IN/);
}

const module_ = graphene.Module.load(library, name);
module_.initialize();
try {
  const slots = Array.from(module_.getSlots(true));
  const slot = slots.find((one) => one.getToken().label.trim() === label);
  const session = slot.open(SessionFlag.RW_SESSION | SessionFlag.SERIAL_SESSION);
  assert.throws(() => session.login('0000'), /CKR_PIN_INCORRECT/);
  session.login(pin);
  for (const part of [rsa, curve, secrets, searching]) {
    try {
      part(session);
    } catch (error) {
      console.log(`lacks: ${part.name}: ${String(error.message).replace(/\s+/g, ' ')}`);
    }
  }
  session.logout();
  session.close();
} finally {
  module_.finalize();
}
console.log('done');
