// A token through miekg's binding: Go's own crypto answers on the other side.
//
//	go run main.go MODULE TOKEN-LABEL PIN
package main

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/miekg/pkcs11"
)

type token struct {
	*pkcs11.Ctx
	slot    uint
	session pkcs11.SessionHandle
}

type attributes = []*pkcs11.Attribute

func is(kind uint, value interface{}) *pkcs11.Attribute { return pkcs11.NewAttribute(kind, value) }

var message = func() []byte {
	data := make([]byte, 20000)
	_, _ = rand.Read(data)
	return data
}()
var digest = sha256.Sum256(message)

func mechanism(kind uint, parameter interface{}) []*pkcs11.Mechanism {
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(kind, parameter)}
}

func must(rule string, err error) {
	if err != nil {
		panic(fmt.Sprintf("%s: %v", rule, err))
	}
}

func holds(rule string, truth bool) {
	if !truth {
		panic(rule)
	}
}

func (t *token) value(key pkcs11.ObjectHandle, kind uint) []byte {
	got, err := t.GetAttributeValue(t.session, key, attributes{is(kind, nil)})
	must("C_GetAttributeValue", err)
	return got[0].Value
}

func (t *token) sign(m []*pkcs11.Mechanism, key pkcs11.ObjectHandle, data []byte) []byte {
	must("C_SignInit", t.SignInit(t.session, m, key))
	signature, err := t.Sign(t.session, data)
	must("C_Sign", err)
	return signature
}

func (t *token) pair(kind uint, public attributes, private attributes) (pkcs11.ObjectHandle, pkcs11.ObjectHandle) {
	one, other, err := t.GenerateKeyPair(t.session, mechanism(kind, nil),
		append(public, is(pkcs11.CKA_TOKEN, true)), append(private, is(pkcs11.CKA_TOKEN, true), is(pkcs11.CKA_PRIVATE, true)))
	must("C_GenerateKeyPair", err)
	return one, other
}

// signer is a key of the token as Go's TLS and X.509 know keys.
type signer struct {
	*token
	key    pkcs11.ObjectHandle
	public *ecdsa.PublicKey
}

func (s signer) Public() crypto.PublicKey { return s.public }

func (s signer) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	if err := s.SignInit(s.session, mechanism(pkcs11.CKM_ECDSA, nil), s.key); err != nil {
		return nil, err
	}
	raw, err := s.token.Ctx.Sign(s.session, digest)
	if err != nil {
		return nil, err
	}
	half := len(raw) / 2
	return der(new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])), nil
}

func der(r, s *big.Int) []byte {
	integer := func(n *big.Int) []byte {
		b := n.Bytes()
		if b[0] > 127 {
			b = append([]byte{0}, b...)
		}
		return append([]byte{2, byte(len(b))}, b...)
	}
	body := append(integer(r), integer(s)...)
	return append([]byte{0x30, byte(len(body))}, body...)
}

func rsaKeys(t *token) {
	public, private := t.pair(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, attributes{is(pkcs11.CKA_MODULUS_BITS, 2048),
		is(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}), is(pkcs11.CKA_LABEL, "rsa")}, attributes{is(pkcs11.CKA_LABEL, "rsa")})
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(t.value(public, pkcs11.CKA_MODULUS)), E: 65537}
	must("PKCS#1", rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:],
		t.sign(mechanism(pkcs11.CKM_SHA256_RSA_PKCS, nil), private, message)))
	pss := pkcs11.NewPSSParams(pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256, 32)
	must("PSS", rsa.VerifyPSS(key, crypto.SHA256, digest[:], t.sign(mechanism(pkcs11.CKM_RSA_PKCS_PSS, pss), private, digest[:]), nil))
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, []byte("a secret"), []byte("label"))
	must("EncryptOAEP", err)
	oaep := pkcs11.NewOAEPParams(pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256, pkcs11.CKZ_DATA_SPECIFIED, []byte("label"))
	must("C_DecryptInit", t.DecryptInit(t.session, mechanism(pkcs11.CKM_RSA_PKCS_OAEP, oaep), private))
	opened, err := t.Decrypt(t.session, sealed)
	must("C_Decrypt", err)
	holds("OAEP opens what Go sealed", string(opened) == "a secret")
}

var prime256v1 = []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}

func curveKeys(t *token) {
	public, private := t.pair(pkcs11.CKM_EC_KEY_PAIR_GEN, attributes{is(pkcs11.CKA_EC_PARAMS, prime256v1), is(pkcs11.CKA_LABEL, "ec")},
		attributes{is(pkcs11.CKA_LABEL, "ec"), is(pkcs11.CKA_DERIVE, true)})
	curve := elliptic.P256()
	x, y := elliptic.Unmarshal(curve, t.value(public, pkcs11.CKA_EC_POINT)[2:])
	key := &ecdsa.PublicKey{Curve: curve, X: x, Y: y}
	mine := signer{t, private, key}
	signature, err := mine.Sign(nil, digest[:], nil)
	must("C_Sign", err)
	holds("ECDSA", ecdsa.VerifyASN1(key, digest[:], signature))

	peer, err := ecdsa.GenerateKey(curve, rand.Reader)
	must("GenerateKey", err)
	secret, _ := curve.ScalarMult(x, y, peer.D.Bytes())
	parameters := pkcs11.NewECDH1DeriveParams(pkcs11.CKD_NULL, nil, elliptic.Marshal(curve, peer.X, peer.Y))
	derived, err := t.DeriveKey(t.session, mechanism(pkcs11.CKM_ECDH1_DERIVE, parameters), private, attributes{
		is(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), is(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET),
		is(pkcs11.CKA_VALUE_LEN, 32), is(pkcs11.CKA_SENSITIVE, false), is(pkcs11.CKA_EXTRACTABLE, true)})
	must("C_DeriveKey", err)
	holds("ECDH", bytes.Equal(t.value(derived, pkcs11.CKA_VALUE), secret.FillBytes(make([]byte, 32))))
	handshakes(mine)
}

// handshakes is a TLS server whose key is in the token, and eight of Go's clients, which must present the key too.
func handshakes(key signer) {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, IsCA: true,
		BasicConstraintsValid: true, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	var lock sync.Mutex
	one := locked{key, &lock}
	bytes, err := x509.CreateCertificate(rand.Reader, template, template, key.public, one)
	must("CreateCertificate", err)
	certificate, err := x509.ParseCertificate(bytes)
	must("ParseCertificate", err)
	must("the certificate's own signature", certificate.CheckSignatureFrom(certificate))
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	both := tls.Certificate{Certificate: [][]byte{bytes}, PrivateKey: one}
	config := &tls.Config{Certificates: []tls.Certificate{both}, RootCAs: pool, ClientCAs: pool, ServerName: "localhost",
		ClientAuth: tls.RequireAndVerifyClientCert}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	must("Listen", err)
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func(c net.Conn) {
				defer c.Close()
				_, _ = io.Copy(c, io.LimitReader(c, 5))
			}(connection)
		}
	}()
	for n := 0; n < 8; n++ {
		mine := config.Clone()
		mine.MaxVersion = []uint16{tls.VersionTLS12, tls.VersionTLS13}[n%2]
		connection, err := tls.Dial("tcp", listener.Addr().String(), mine)
		must("Dial", err)
		_, err = connection.Write([]byte("hello"))
		must("Write", err)
		echo := make([]byte, 5)
		_, err = io.ReadFull(connection, echo)
		must("Read", err)
		holds("what was sent comes back", string(echo) == "hello")
		connection.Close()
	}
}

// locked lets one goroutine at a time use the session: C_SignInit and C_Sign belong together.
type locked struct {
	signer
	lock *sync.Mutex
}

func (l locked) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.signer.Sign(r, digest, o)
}

func secrets(t *token) {
	known := make([]byte, 32)
	_, _ = rand.Read(known)
	key, err := t.CreateObject(t.session, attributes{is(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		is(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES), is(pkcs11.CKA_VALUE, known), is(pkcs11.CKA_ENCRYPT, true), is(pkcs11.CKA_DECRYPT, true)})
	must("C_CreateObject", err)
	nonce := make([]byte, 12)
	gcm := pkcs11.NewGCMParams(nonce, []byte("address"), 128)
	defer gcm.Free()
	must("C_EncryptInit", t.EncryptInit(t.session, mechanism(pkcs11.CKM_AES_GCM, gcm), key))
	sealed, err := t.Encrypt(t.session, message)
	must("C_Encrypt", err)
	block, _ := aes.NewCipher(known)
	software, _ := cipher.NewGCM(block)
	opened, err := software.Open(nil, nonce, sealed, []byte("address"))
	must("Go opens AES-GCM", err)
	holds("AES-GCM", bytes.Equal(opened, message))
	mac, err := t.CreateObject(t.session, attributes{is(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		is(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET), is(pkcs11.CKA_VALUE, known), is(pkcs11.CKA_SIGN, true)})
	must("C_CreateObject", err)
	own := hmac.New(sha256.New, known)
	own.Write(message)
	holds("HMAC", bytes.Equal(own.Sum(nil), t.sign(mechanism(pkcs11.CKM_SHA256_HMAC, nil), mac, message)))
}

// goroutines has sixteen sessions at once; the login is the token's, not the session's.
func goroutines(t *token) {
	var group sync.WaitGroup
	failures := make(chan error, 16)
	for n := 0; n < 16; n++ {
		group.Add(1)
		go func() {
			defer group.Done()
			session, err := t.OpenSession(t.slot, pkcs11.CKF_SERIAL_SESSION)
			if err != nil {
				failures <- err
				return
			}
			defer t.CloseSession(session)
			own := &token{t.Ctx, t.slot, session}
			if err := own.FindObjectsInit(session, attributes{is(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), is(pkcs11.CKA_LABEL, "rsa")}); err != nil {
				failures <- err
				return
			}
			found, _, err := own.FindObjects(session, 2)
			_ = own.FindObjectsFinal(session)
			if err != nil || len(found) != 1 {
				failures <- fmt.Errorf("%d keys found, %v", len(found), err)
				return
			}
			for i := 0; i < 10; i++ {
				own.sign(mechanism(pkcs11.CKM_SHA256_RSA_PKCS, nil), found[0], message)
			}
		}()
	}
	group.Wait()
	close(failures)
	for err := range failures {
		must("sixteen goroutines", err)
	}
}

func main() {
	module, label, pin := os.Args[1], os.Args[2], os.Args[3]
	context := pkcs11.New(module)
	holds("the module loads", context != nil)
	must("C_Initialize", context.Initialize())
	slots, err := context.GetSlotList(true)
	must("C_GetSlotList", err)
	for _, slot := range slots {
		info, err := context.GetTokenInfo(slot)
		must("C_GetTokenInfo", err)
		if strings.TrimRight(info.Label, " ") != label {
			continue
		}
		session, err := context.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		must("C_OpenSession", err)
		wrong := context.Login(session, pkcs11.CKU_USER, "0000")
		holds("a wrong PIN is told as such", wrong == pkcs11.Error(pkcs11.CKR_PIN_INCORRECT))
		must("C_Login", context.Login(session, pkcs11.CKU_USER, pin))
		t := &token{context, slot, session}
		for name, part := range map[string]func(*token){"rsa": rsaKeys, "ec": curveKeys, "secrets": secrets} {
			try(name, part, t)
		}
		try("goroutines", goroutines, t)
		must("C_Logout", context.Logout(session))
		must("C_CloseSession", context.CloseSession(session))
	}
	must("C_Finalize", context.Finalize())
	context.Destroy()
	fmt.Println("done")
}

func try(name string, part func(*token), t *token) {
	defer func() {
		if told := recover(); told != nil {
			fmt.Printf("lacks: %s: %v\n", name, told)
		}
	}()
	part(t)
}
