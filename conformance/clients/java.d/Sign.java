// Signs with every key of a token through SunPKCS11, verifies with Java's software providers, and seals with AES/GCM.
//
//   java Sign.java CONFIGURATION PIN DIRECTORY
//
// Writes for each alias DIRECTORY/ALIAS.crt, ALIAS.ALGORITHM.sig and the message, so that another program can check.

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.KeyGenerator;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

public class Sign {
    static Provider token;
    static Path directory;
    static final byte[] message = new byte[10_000];

    public static void main(String[] arguments) throws Exception {
        token = Security.getProvider("SunPKCS11").configure(arguments[0]);
        Security.addProvider(token); // last: the software providers stay the default
        char[] pin = arguments[1].toCharArray();
        directory = Path.of(arguments[2]);
        new SecureRandom().nextBytes(message);
        Files.write(directory.resolve("java.message"), message);

        KeyStore store = KeyStore.getInstance("PKCS11", token);
        store.load(null, pin);
        List<String> aliases = Collections.list(store.aliases());
        Collections.sort(aliases);
        for (String alias : aliases) {
            if (store.isKeyEntry(alias)) {
                sign(alias, (PrivateKey) store.getKey(alias, pin), store.getCertificateChain(alias)[0]);
            }
        }
        random();
        seal();
        agree();
        mac();
        store(store, pin);
        System.out.println("done");
    }

    static void sign(String alias, PrivateKey key, Certificate certificate) throws Exception {
        ((X509Certificate) certificate).checkValidity();
        Files.write(directory.resolve(alias + ".crt"), certificate.getEncoded());
        String[] algorithms = key.getAlgorithm().equals("RSA")
            ? new String[] {"SHA256withRSA", "SHA512withRSA", "RSASSA-PSS"}
            : new String[] {"SHA256withECDSA", "SHA384withECDSA"};
        for (String algorithm : algorithms) {
            if (token.getService("Signature", algorithm) == null) {
                say("absent", alias + " " + algorithm + ": not offered");
                continue;
            }
            try {
                Signature signer = Signature.getInstance(algorithm, token);
                parameters(signer, algorithm);
                signer.initSign(key);
                signer.update(message);
                byte[] signature = signer.sign();
                Signature verifier = Signature.getInstance(algorithm, key.getAlgorithm().equals("RSA") ? "SunRsaSign" : "SunEC");
                parameters(verifier, algorithm);
                verifier.initVerify(certificate.getPublicKey());
                verifier.update(message);
                if (!verifier.verify(signature)) {
                    say("failed", alias + " " + algorithm + ": the software provider does not verify it");
                    continue;
                }
                Files.write(directory.resolve(alias + "." + algorithm + ".sig"), signature);
                say("signed", alias + " " + algorithm);
            } catch (Exception e) {
                say("failed", alias + " " + algorithm + ": " + reason(e));
            }
        }
    }

    static void parameters(Signature signature, String algorithm) throws Exception {
        if (algorithm.equals("RSASSA-PSS")) {
            signature.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
        }
    }

    static void random() throws Exception {
        if (token.getService("SecureRandom", "PKCS11") == null) {
            say("absent", "SecureRandom: not offered");
            return;
        }
        byte[] bytes = new byte[64];
        SecureRandom random = SecureRandom.getInstance("PKCS11", token);
        random.setSeed(new byte[16]);
        random.nextBytes(bytes);
        say(Arrays.equals(bytes, new byte[64]) ? "failed" : "random", "64 bytes");
    }

    /** A key made in the token, used by the token; and one made in software, used by both sides. */
    static void seal() throws Exception {
        if (token.getService("Cipher", "AES/GCM/NoPadding") == null || token.getService("KeyGenerator", "AES") == null) {
            say("absent", "AES/GCM/NoPadding: not offered");
            return;
        }
        try {
            KeyGenerator generator = KeyGenerator.getInstance("AES", token);
            generator.init(256);
            byte[] sealed = gcm(Cipher.ENCRYPT_MODE, generator.generateKey(), token, message, 1);
            KeyGenerator software = KeyGenerator.getInstance("AES", "SunJCE");
            software.init(256);
            SecretKey known = software.generateKey();
            byte[] here = gcm(Cipher.ENCRYPT_MODE, known, token, message, 2);
            byte[] there = gcm(Cipher.ENCRYPT_MODE, known, Security.getProvider("SunJCE"), message, 2);
            byte[] opened = gcm(Cipher.DECRYPT_MODE, known, token, there, 2);
            boolean well = sealed.length == message.length + 16 && Arrays.equals(here, there) && Arrays.equals(opened, message);
            say(well ? "sealed" : "failed", "AES/GCM with keys of the token and of Java");
        } catch (Exception e) {
            say("failed", "AES/GCM: " + reason(e));
        }
    }

    static byte[] gcm(int mode, SecretKey key, Provider provider, byte[] input, int iv) throws Exception {
        byte[] nonce = new byte[12];
        nonce[11] = (byte) iv;
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding", provider);
        cipher.init(mode, key, new GCMParameterSpec(128, nonce));
        cipher.updateAAD("address".getBytes());
        return cipher.doFinal(input);
    }

    static void agree() throws Exception {
        if (token.getService("KeyAgreement", "ECDH") == null) {
            say("absent", "ECDH: not offered");
            return;
        }
        try {
            KeyPair mine = pair(token);
            KeyPair peer = pair(Security.getProvider("SunEC"));
            KeyAgreement here = KeyAgreement.getInstance("ECDH", token);
            here.init(mine.getPrivate());
            here.doPhase(peer.getPublic(), true);
            KeyAgreement there = KeyAgreement.getInstance("ECDH", "SunEC");
            there.init(peer.getPrivate());
            there.doPhase(mine.getPublic(), true);
            boolean well = Arrays.equals(here.generateSecret(), there.generateSecret());
            say(well ? "agreed" : "failed", "ECDH between the token and Java");
        } catch (Exception e) {
            say("failed", "ECDH: " + reason(e));
        }
    }

    static KeyPair pair(Provider provider) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", provider);
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        return generator.generateKeyPair();
    }

    static void mac() throws Exception {
        if (token.getService("Mac", "HmacSHA256") == null) {
            say("absent", "HmacSHA256: not offered");
            return;
        }
        try {
            KeyGenerator generator = KeyGenerator.getInstance("HmacSHA256", "SunJCE");
            SecretKey key = generator.generateKey();
            Mac here = Mac.getInstance("HmacSHA256", token);
            here.init(key);
            Mac there = Mac.getInstance("HmacSHA256", "SunJCE");
            there.init(key);
            say(Arrays.equals(here.doFinal(message), there.doFinal(message)) ? "authenticated" : "failed", "HmacSHA256");
        } catch (Exception e) {
            say("failed", "HmacSHA256: " + reason(e));
        }
    }

    /** A secret key put into the key store and found there again. */
    static void store(KeyStore store, char[] pin) throws Exception {
        try {
            KeyGenerator generator = KeyGenerator.getInstance("AES", "SunJCE");
            generator.init(128);
            store.setKeyEntry("java-secret", generator.generateKey(), null, null);
            store.load(null, pin);
            boolean well = store.isKeyEntry("java-secret") && store.getKey("java-secret", null) != null;
            store.deleteEntry("java-secret");
            say(well && !store.containsAlias("java-secret") ? "stored" : "failed", "an AES key in the key store");
        } catch (Exception e) {
            say("failed", "an AES key in the key store: " + reason(e));
        }
    }

    static String reason(Throwable e) {
        while (e.getCause() != null) {
            e = e.getCause();
        }
        return e.toString();
    }

    static void say(String what, String which) {
        System.out.println(what + ": " + which);
    }
}
