// Everything that SunPKCS11 offers of a token, service by service, with Java's software providers on the other side.
//
//   java Services CONFIGURATION PIN
//
// Prints a line for each: "passed: TYPE ALGORITHM", "failed: …" with the reason, or "passed over: …".

import java.io.ByteArrayOutputStream;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.Provider;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.security.interfaces.RSAKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.KeyGenerator;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.DHParameterSpec;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

public class Services {
    /** What is tried with an algorithm of a service; {@code null} is a pass, else it is the reason of a failure. */
    interface Trial {
        String of(String algorithm) throws Exception;
    }

    static class PassedOver extends Exception {
        PassedOver(String why) {
            super(why);
        }
    }

    static final byte[] message = new byte[10_000];
    static final Map<String, KeyPair> pairs = new HashMap<>();
    static Provider token;

    static final Map<String, Trial> TRIALS = Map.of(
        "MessageDigest", Services::digest,
        "Mac", Services::mac,
        "KeyGenerator", Services::keyGenerator,
        "KeyPairGenerator", algorithm -> pair(algorithm) == null ? "no pair" : null,
        "KeyFactory", Services::keyFactory,
        "SecretKeyFactory", Services::secretKeyFactory,
        "Cipher", Services::cipher,
        "Signature", Services::signature,
        "KeyAgreement", Services::agreement,
        "SecureRandom", Services::random);

    public static void main(String[] arguments) throws Exception {
        token = Security.getProvider("SunPKCS11").configure(arguments[0]);
        Security.addProvider(token);
        java.security.KeyStore.getInstance("PKCS11", token).load(null, arguments[1].toCharArray());
        new SecureRandom().nextBytes(message);
        Map<String, Provider.Service> services = new TreeMap<>();
        token.getServices().forEach(service -> services.put(service.getType() + " " + service.getAlgorithm(), service));
        for (Map.Entry<String, Provider.Service> row : services.entrySet()) {
            Trial trial = TRIALS.get(row.getValue().getType());
            String told;
            try {
                String reason = trial == null ? null : trial.of(row.getValue().getAlgorithm());
                told = trial == null ? "passed over: " + row.getKey() + ": tried in other ways" : reason == null
                    ? "passed: " + row.getKey() : "failed: " + row.getKey() + ": " + reason;
            } catch (PassedOver e) {
                told = "passed over: " + row.getKey() + ": " + e.getMessage();
            } catch (Exception e) {
                Throwable root = e;
                while (root.getCause() != null) {
                    root = root.getCause();
                }
                told = "failed: " + row.getKey() + ": " + root;
            }
            System.out.println(told);
        }
        System.out.println("done");
    }

    static String same(byte[] here, byte[] there) {
        return Arrays.equals(here, there) ? null : "the software provider has another answer";
    }

    /** Java's own provider of an algorithm. */
    static Provider software(String type, String algorithm) throws PassedOver {
        for (Provider provider : Security.getProviders(type + "." + algorithm) == null ? new Provider[0]
            : Security.getProviders(type + "." + algorithm)) {
            if (provider != token) {
                return provider;
            }
        }
        throw new PassedOver("no software provider to compare with");
    }

    /** A digest, and a copy of it taken in the middle (C_GetOperationState, C_SetOperationState). */
    static String digest(String algorithm) throws Exception {
        byte[] expected = MessageDigest.getInstance(algorithm, software("MessageDigest", algorithm)).digest(message);
        MessageDigest digest = MessageDigest.getInstance(algorithm, token);
        digest.update(message, 0, 5000);
        MessageDigest copy = (MessageDigest) digest.clone();
        digest.update(new byte[77]);
        copy.update(message, 5000, 5000);
        byte[] other = digest.digest();
        return Arrays.equals(other, expected) ? "the original follows its copy" : same(copy.digest(), expected);
    }

    static String mac(String algorithm) throws Exception {
        if (algorithm.startsWith("SslMac")) {
            throw new PassedOver("of SSL 3.0");
        }
        SecretKeySpec key = new SecretKeySpec(message, 0, 40, "Generic");
        Mac here = Mac.getInstance(algorithm, token);
        Mac there = Mac.getInstance(algorithm, software("Mac", algorithm));
        here.init(key);
        there.init(key);
        return same(here.doFinal(message), there.doFinal(message));
    }

    static String keyGenerator(String algorithm) throws Exception {
        if (algorithm.startsWith("SunTls")) {
            throw new PassedOver("of the protocol TLS");
        }
        SecretKey key = KeyGenerator.getInstance(algorithm, token).generateKey();
        return key == null ? "no key" : null;
    }

    static KeyPair pair(String algorithm) throws Exception {
        KeyPair known = pairs.get(algorithm);
        if (known == null) {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm, token);
            switch (algorithm) {
                case "EC" -> generator.initialize(new ECGenParameterSpec("secp256r1"));
                case "DH" -> {
                    KeyPairGenerator group = KeyPairGenerator.getInstance("DH", "SunJCE");
                    group.initialize(2048);
                    DHParameterSpec parameters = ((javax.crypto.interfaces.DHPublicKey) group.generateKeyPair().getPublic()).getParams();
                    generator.initialize(new DHParameterSpec(parameters.getP(), parameters.getG()));
                }
                default -> generator.initialize(2048);
            }
            known = generator.generateKeyPair();
            pairs.put(algorithm, known);
        }
        return known;
    }

    static String keyFactory(String algorithm) throws Exception {
        PublicKey key = pair(algorithm).getPublic();
        PublicKey copy = (PublicKey) KeyFactory.getInstance(algorithm, token).translateKey(publicly(key, algorithm));
        return same(copy.getEncoded(), key.getEncoded());
    }

    /** The public key as Java's software has it. */
    static PublicKey publicly(PublicKey key, String algorithm) throws Exception {
        return KeyFactory.getInstance(algorithm, software("KeyFactory", algorithm)).generatePublic(new X509EncodedKeySpec(key.getEncoded()));
    }

    static String secretKeyFactory(String algorithm) throws Exception {
        int length = switch (algorithm) {
            case "AES", "ARCFOUR", "Blowfish", "ChaCha20" -> algorithm.equals("ChaCha20") ? 32 : 16;
            case "DES" -> 8;
            case "DESede" -> 24;
            default -> throw new PassedOver("no length known");
        };
        SecretKeySpec key = new SecretKeySpec(message, 0, length, algorithm);
        SecretKey inside = SecretKeyFactory.getInstance(algorithm, token).translateKey(key);
        return inside == null ? "no key" : null;
    }

    /** Sealed by the token, opened by software; and the other way round. */
    static String cipher(String algorithm) throws Exception {
        if (algorithm.startsWith("RSA")) {
            return rsa(algorithm);
        }
        String family = algorithm.split("[/_]")[0];
        int length = switch (family) {
            case "AES" -> algorithm.contains("_256") ? 32 : algorithm.contains("_192") ? 24 : 16;
            case "DESede" -> 24;
            case "DES" -> 8;
            case "ARCFOUR", "Blowfish" -> 16;
            case "ChaCha20-Poly1305" -> 32;
            default -> throw new PassedOver("no length known");
        };
        SecretKeySpec key = new SecretKeySpec(message, 0, length, family.startsWith("ChaCha") ? "ChaCha20" : family);
        byte[] plain = algorithm.contains("NoPadding") || !algorithm.contains("/") ? Arrays.copyOf(message, 4096) : message;
        Cipher[] both = {Cipher.getInstance(algorithm, token), Cipher.getInstance(algorithm, "SunJCE")};
        byte[][] sealed = new byte[2][];
        for (int turn = 0; turn < 2; turn++) {
            initialise(both[turn], Cipher.ENCRYPT_MODE, key, algorithm, turn + 1);
            // No data with doFinal: SunPKCS11 of Java 17 loses it in AEAD modes when some came before by update.
            sealed[turn] = join(both[turn].update(plain, 0, 1000), both[turn].update(plain, 1000, plain.length - 1000),
                both[turn].doFinal());
            initialise(both[1 - turn], Cipher.DECRYPT_MODE, key, algorithm, turn + 1);
            if (!Arrays.equals(both[1 - turn].doFinal(sealed[turn]), plain)) {
                return "what one seals the other opens to something else";
            }
        }
        return null;
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            whole.writeBytes(part == null ? new byte[0] : part);
        }
        return whole.toByteArray();
    }

    static void initialise(Cipher cipher, int mode, Key key, String algorithm, int number) throws Exception {
        byte[] iv = new byte[16];
        iv[0] = (byte) number;
        if (algorithm.contains("GCM")) {
            cipher.init(mode, key, new GCMParameterSpec(128, Arrays.copyOf(iv, 12)));
        } else if (algorithm.contains("ChaCha")) {
            cipher.init(mode, key, new IvParameterSpec(Arrays.copyOf(iv, 12)));
        } else if (algorithm.contains("CBC") || algorithm.contains("CTR")) {
            cipher.init(mode, key, new IvParameterSpec(Arrays.copyOf(iv, algorithm.startsWith("DES") || algorithm.startsWith("Blow") ? 8 : 16)));
        } else {
            cipher.init(mode, key);
        }
    }

    static String rsa(String algorithm) throws Exception {
        KeyPair pair = pair("RSA");
        int room = ((RSAKey) pair.getPublic()).getModulus().bitLength() / 8;
        byte[] secret = algorithm.contains("NoPadding") ? Arrays.copyOf(message, room) : Arrays.copyOf(message, 32);
        secret[0] = 1;
        Cipher there = Cipher.getInstance(algorithm, software("Cipher", "RSA"));
        there.init(Cipher.ENCRYPT_MODE, publicly(pair.getPublic(), "RSA"));
        byte[] sealed = there.doFinal(secret);
        Cipher here = Cipher.getInstance(algorithm, token);
        here.init(Cipher.DECRYPT_MODE, pair.getPrivate());
        if (algorithm.contains("NoPadding")) {
            return same(here.doFinal(sealed), secret);
        }
        SecretKey wrapped = new SecretKeySpec(secret, 0, 16, "AES");
        there.init(Cipher.WRAP_MODE, publicly(pair.getPublic(), "RSA"));
        byte[] carried = there.wrap(wrapped);
        String told = same(here.doFinal(sealed), secret);
        here.init(Cipher.UNWRAP_MODE, pair.getPrivate());
        SecretKey back = (SecretKey) here.unwrap(carried, "AES", Cipher.SECRET_KEY);
        Cipher check = Cipher.getInstance("AES/ECB/NoPadding", token);
        check.init(Cipher.ENCRYPT_MODE, back);
        Cipher expected = Cipher.getInstance("AES/ECB/NoPadding", "SunJCE");
        expected.init(Cipher.ENCRYPT_MODE, wrapped);
        return told != null ? told : same(check.doFinal(new byte[16]), expected.doFinal(new byte[16]));
    }

    static String signature(String algorithm) throws Exception {
        String family = algorithm.contains("ECDSA") ? "EC" : algorithm.contains("RSA") ? "RSA" : "DSA";
        KeyPair pair = pair(family);
        Signature here = Signature.getInstance(algorithm, token);
        Signature there = Signature.getInstance(SOFTWARE_NAMES.getOrDefault(algorithm, algorithm.replaceAll("^.*RSASSA-PSS$", "RSASSA-PSS")),
            family.equals("RSA") ? "SunRsaSign" : family.equals("EC") ? "SunEC" : "SUN");
        if (algorithm.endsWith("RSASSA-PSS")) {
            PSSParameterSpec pss = pss(algorithm.split("with")[0]);
            here.setParameter(pss);
            there.setParameter(pss);
        }
        // Without a hash of its own, a signature takes the length of one.
        byte[] data = algorithm.startsWith("NONE") || algorithm.startsWith("Raw") ? Arrays.copyOf(message, 20) : message;
        here.initSign(pair.getPrivate());
        here.update(data);
        byte[] signature = here.sign();
        there.initVerify(publicly(pair.getPublic(), family));
        there.update(data);
        if (!there.verify(signature)) {
            return "the software provider does not verify it";
        }
        here.initVerify(pair.getPublic());
        here.update(data);
        if (!here.verify(signature)) {
            return "the token does not verify it";
        }
        here.initVerify(pair.getPublic());
        here.update(new byte[20]);
        return here.verify(signature) ? "the token verifies another message" : null;
    }

    /** SunPKCS11's names that the software spells otherwise. */
    static final Map<String, String> SOFTWARE_NAMES =
        Map.of("DSAinP1363Format", "SHA1withDSAinP1363Format", "RawDSAinP1363Format", "NONEwithDSAinP1363Format");

    /** The parameters of PSS with a hash as SunPKCS11 spells it: SHA256, SHA3-256; SHA-384 where the name has none. */
    static PSSParameterSpec pss(String hash) throws Exception {
        if (hash.startsWith("SHA3-")) {
            throw new PassedOver("SunPKCS11 of Java 17 cannot hand on PSS parameters with SHA-3");
        }
        String name = hash.equals("RSASSA-PSS") ? "SHA-384" : hash.replace("SHA", "SHA-");
        return new PSSParameterSpec(name, "MGF1", new MGF1ParameterSpec(name), MessageDigest.getInstance(name).getDigestLength(), 1);
    }

    static String agreement(String algorithm) throws Exception {
        String family = algorithm.equals("ECDH") ? "EC" : "DH";
        KeyPair mine = pair(family);
        KeyPairGenerator generator = KeyPairGenerator.getInstance(family, software("KeyPairGenerator", family));
        if (family.equals("EC")) {
            generator.initialize(new ECGenParameterSpec("secp256r1"));
        } else {
            generator.initialize(((javax.crypto.interfaces.DHPublicKey) publicly(mine.getPublic(), "DH")).getParams());
        }
        KeyPair peer = generator.generateKeyPair();
        KeyAgreement here = KeyAgreement.getInstance(algorithm, token);
        here.init(mine.getPrivate());
        here.doPhase(peer.getPublic(), true);
        KeyAgreement there = KeyAgreement.getInstance(algorithm, software("KeyAgreement", algorithm));
        there.init(peer.getPrivate());
        there.doPhase(publicly(mine.getPublic(), family), true);
        return same(here.generateSecret(), there.generateSecret());
    }

    static String random(String algorithm) throws Exception {
        byte[][] bytes = new byte[2][64];
        for (byte[] some : bytes) {
            SecureRandom random = SecureRandom.getInstance(algorithm, token);
            random.setSeed(some);
            random.nextBytes(some);
        }
        return Arrays.equals(bytes[0], bytes[1]) ? "twice the same" : null;
    }
}
