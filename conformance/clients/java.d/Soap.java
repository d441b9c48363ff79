// Signs the body and the timestamp of a SOAP message as WS-Security's X.509 token profile has it, with keys of the token.
//
//   java Soap PIN ALIAS SIGNATURE-URI OUTPUT

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import javax.xml.crypto.dom.DOMStructure;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.DigestMethod;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.SignedInfo;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public class Soap {
    static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";
    static final String WSSE = OASIS + "wssecurity-secext-1.0.xsd";
    static final String WSU = OASIS + "wssecurity-utility-1.0.xsd";
    static final XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");

    public static void main(String[] arguments) throws Exception {
        char[] pin = arguments[0].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS11");
        store.load(null, pin);
        PrivateKey key = (PrivateKey) store.getKey(arguments[1], pin);
        X509Certificate certificate = (X509Certificate) store.getCertificate(arguments[1]);

        Document message = message(certificate);
        Element security = (Element) message.getElementsByTagNameNS(WSSE, "Security").item(0);
        sign(message, security, key, arguments[2]);
        if (!holds(message, certificate)) {
            throw new IllegalStateException("Java itself does not verify it");
        }
        try (OutputStream output = Files.newOutputStream(Path.of(arguments[3]))) {
            write(message, output);
        }
        System.out.println("signed");
    }

    static Element add(Element parent, String namespace, String name, String text) {
        Element child = parent.getOwnerDocument().createElementNS(namespace, name);
        child.setTextContent(text);
        parent.appendChild(child);
        return child;
    }

    static Element identified(Element element, String id) {
        element.setAttributeNS(WSU, "wsu:Id", id);
        return element;
    }

    static Document message(X509Certificate certificate) throws Exception {
        DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
        builders.setNamespaceAware(true);
        Document message = builders.newDocumentBuilder().newDocument();
        Element envelope = message.createElementNS(SOAP, "soap:Envelope");
        message.appendChild(envelope);
        Element security = add(add(envelope, SOAP, "soap:Header", ""), WSSE, "wsse:Security", "");
        Element token = add(security, WSSE, "wsse:BinarySecurityToken", Base64.getEncoder().encodeToString(certificate.getEncoded()));
        token.setAttribute("EncodingType", OASIS + "soap-message-security-1.0#Base64Binary");
        token.setAttribute("ValueType", OASIS + "x509-token-profile-1.0#X509v3");
        identified(token, "token");
        Element timestamp = identified(add(security, WSU, "wsu:Timestamp", ""), "timestamp");
        add(timestamp, WSU, "wsu:Created", Instant.now().toString());
        add(timestamp, WSU, "wsu:Expires", Instant.now().plusSeconds(300).toString());
        Element body = identified(add(envelope, SOAP, "soap:Body", ""), "body");
        add(body, "urn:bench", "b:Payment", "100 €");
        // Written and read again, so that the namespaces stand in the document as its reader will have them.
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        write(message, text);
        Document read = builders.newDocumentBuilder().parse(new ByteArrayInputStream(text.toByteArray()));
        NodeList elements = read.getElementsByTagNameNS("*", "*");
        for (int at = 0; at < elements.getLength(); at++) {
            Element element = (Element) elements.item(at);
            if (element.hasAttributeNS(WSU, "Id")) {
                element.setIdAttributeNS(WSU, "Id", true);
            }
        }
        return read;
    }

    static void write(Document message, OutputStream output) throws Exception {
        TransformerFactory.newInstance().newTransformer().transform(new DOMSource(message), new StreamResult(output));
    }

    static void sign(Document message, Element security, PrivateKey key, String algorithm) throws Exception {
        List<Reference> references = List.of(reference("#body"), reference("#timestamp"));
        SignedInfo signed = factory.newSignedInfo(
            factory.newCanonicalizationMethod(CanonicalizationMethod.EXCLUSIVE, (C14NMethodParameterSpec) null),
            factory.newSignatureMethod(algorithm, null), references);
        Element token = message.createElementNS(WSSE, "wsse:SecurityTokenReference");
        add(token, WSSE, "wsse:Reference", "").setAttribute("URI", "#token");
        KeyInfo info = factory.getKeyInfoFactory().newKeyInfo(List.of(new DOMStructure(token)));
        DOMSignContext context = new DOMSignContext(key, security);
        context.setDefaultNamespacePrefix("ds");
        factory.newXMLSignature(signed, info).sign(context);
    }

    static Reference reference(String uri) throws Exception {
        return factory.newReference(uri, factory.newDigestMethod(DigestMethod.SHA256, null),
            List.of(factory.newTransform("http://www.w3.org/2001/10/xml-exc-c14n#", (TransformParameterSpec) null)), null, null);
    }

    static boolean holds(Document message, X509Certificate certificate) throws Exception {
        Element signature = (Element) message.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature").item(0);
        DOMValidateContext context = new DOMValidateContext(certificate.getPublicKey(), signature);
        return factory.unmarshalXMLSignature(context).validate(context);
    }
}
