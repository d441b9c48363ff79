// TLS with the key store that the system properties name (javax.net.ssl.keyStore=NONE: the token).
//
//   java Tls server PORT-FILE                 waits for clients that have a certificate, tells each and echoes one line
//   java Tls client HOST PORT PROTOCOL        the default socket factory: all from the system properties
//   java Tls messenger HOST PORT SUITE        as a JMS client does: key store, managers and context by hand, one suite

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.SecureRandom;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

public class Tls {
    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "server" -> serve(Path.of(arguments[1]));
            case "client" -> {
                SSLSocket socket = socket((SSLSocketFactory) SSLSocketFactory.getDefault(), arguments);
                socket.setEnabledProtocols(new String[] {arguments[3]});
                talk(socket);
            }
            case "messenger" -> {
                SSLSocket socket = socket(context().getSocketFactory(), arguments);
                socket.setEnabledCipherSuites(new String[] {arguments[3]});
                talk(socket);
            }
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    static SSLSocket socket(SSLSocketFactory factory, String[] arguments) throws IOException {
        return (SSLSocket) factory.createSocket(arguments[1], Integer.parseInt(arguments[2]));
    }

    static SSLContext context() throws Exception {
        char[] pin = System.getProperty("javax.net.ssl.keyStorePassword").toCharArray();
        KeyStore keys = KeyStore.getInstance(System.getProperty("javax.net.ssl.keyStoreType"));
        keys.load(null, pin);
        KeyManagerFactory mine = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        mine.init(keys, pin);
        KeyStore trusted = KeyStore.getInstance(Path.of(System.getProperty("javax.net.ssl.trustStore")).toFile(),
            System.getProperty("javax.net.ssl.trustStorePassword").toCharArray());
        TrustManagerFactory theirs = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        theirs.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(mine.getKeyManagers(), theirs.getTrustManagers(), SecureRandom.getInstance("PKCS11"));
        return context;
    }

    static void talk(SSLSocket socket) throws IOException {
        try (socket) {
            socket.setSoTimeout(20_000);
            socket.startHandshake();
            tell(socket.getSession());
            socket.getOutputStream().write("hello token\n".getBytes());
            System.out.println("answer " + line(socket));
        }
    }

    static String line(SSLSocket socket) throws IOException {
        return new BufferedReader(new InputStreamReader(socket.getInputStream())).readLine();
    }

    static void tell(SSLSession session) throws IOException {
        System.out.println("peer " + session.getPeerPrincipal() + " " + session.getProtocol() + " " + session.getCipherSuite());
    }

    static void serve(Path portFile) throws Exception {
        SSLServerSocketFactory factory = (SSLServerSocketFactory) SSLServerSocketFactory.getDefault();
        try (SSLServerSocket server = (SSLServerSocket) factory.createServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            server.setNeedClientAuth(true);
            Files.writeString(portFile, server.getLocalPort() + "\n");
            while (true) {
                SSLSocket socket = (SSLSocket) server.accept();
                new Thread(() -> {
                    try (socket) {
                        tell(socket.getSession());
                        socket.getOutputStream().write((line(socket) + "\n").getBytes());
                    } catch (IOException e) {
                        System.out.println("refused " + e);
                    }
                }).start();
            }
        }
    }
}
