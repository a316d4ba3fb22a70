package ktrdr.ssh;

import com.hierynomus.sshj.key.KeyAlgorithm;
import com.hierynomus.sshj.key.KeyAlgorithms;
import com.hierynomus.sshj.transport.cipher.BlockCiphers;
import com.hierynomus.sshj.transport.cipher.ChachaPolyCiphers;
import com.hierynomus.sshj.transport.cipher.GcmCiphers;
import com.hierynomus.sshj.transport.kex.DHGroups;
import com.hierynomus.sshj.transport.kex.ExtInfoClientFactory;
import com.hierynomus.sshj.transport.mac.Macs;
import com.hierynomus.sshj.userauth.keyprovider.OpenSSHKeyV1KeyFile;
import java.security.KeyFactory;
import java.security.NoSuchAlgorithmException;
import java.security.Provider;
import java.security.Security;
import java.util.ArrayList;
import java.util.List;
import net.schmizz.keepalive.KeepAliveProvider;
import net.schmizz.sshj.ConfigImpl;
import net.schmizz.sshj.common.Factory;
import net.schmizz.sshj.common.LoggerFactory;
import net.schmizz.sshj.common.SecurityUtils;
import net.schmizz.sshj.transport.cipher.Cipher;
import net.schmizz.sshj.transport.compression.NoneCompression;
import net.schmizz.sshj.transport.kex.Curve25519SHA256;
import net.schmizz.sshj.transport.kex.DHGexSHA256;
import net.schmizz.sshj.transport.kex.ECDHNistP;
import net.schmizz.sshj.transport.random.JCERandom;
import net.schmizz.sshj.transport.random.SingletonRandomFactory;
import net.schmizz.sshj.userauth.keyprovider.OpenSSHKeyFile;
import net.schmizz.sshj.userauth.keyprovider.PKCS8KeyFile;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/** What OpenSSH of the last ten years calls strong, the fastest first. */
final class SshAlgorithms {
    static {
        // sshj asks BouncyCastle first, and loading that costs a third of a second
        SecurityUtils.setRegisterBouncyCastle(false);
        Security.addProvider(new Ecdsa());
    }

    /**
     * sshj asks for the maker of its keys of elliptic curves by the name that BouncyCastle has for it: Java's own, by
     * that name.
     */
    private static final class Ecdsa extends Provider {
        private static final long serialVersionUID = 1;

        Ecdsa() {
            super("ktrdr", "1", "Java's EC keys by the name ECDSA");
            try {
                var own = KeyFactory.getInstance("EC").getProvider().getService("KeyFactory", "EC");
                putService(new Service(this, "KeyFactory", "ECDSA", own.getClassName(), null, null) {
                    @Override
                    public Object newInstance(Object parameter) throws NoSuchAlgorithmException {
                        return own.newInstance(parameter);
                    }
                });
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every JDK has EC keys", e);
            }
        }
    }

    private SshAlgorithms() {}

    /** @param certificates whether host certificates are asked for, which makes sense where one could be checked */
    static ConfigImpl config(boolean certificates) {
        var config = new ConfigImpl();
        config.setLoggerFactory(LoggerFactory.DEFAULT);
        config.setVersion("ktrdr");
        config.setRandomFactory(new SingletonRandomFactory(new JCERandom.Factory()));
        config.setKeepAliveProvider(KeepAliveProvider.KEEP_ALIVE);
        config.setVerifyHostKeyCertificates(false); // HostKeys does it, by the name the host is known by
        config.setKeyExchangeFactories(List.of(new Curve25519SHA256.Factory(), new Curve25519SHA256.FactoryLibSsh(),
                new ECDHNistP.Factory256(), new ECDHNistP.Factory384(), new ECDHNistP.Factory521(),
                new DHGexSHA256.Factory(),
                DHGroups.Group16SHA512(), DHGroups.Group14SHA256(), new ExtInfoClientFactory()));
        config.setCipherFactories(List.of(GcmCiphers.AES128GCM(), GcmCiphers.AES256GCM(), BlockCiphers.AES128CTR(),
                BlockCiphers.AES192CTR(), BlockCiphers.AES256CTR(),
                new Chacha(ChachaPolyCiphers.CHACHA_POLY_OPENSSH())));
        config.setMACFactories(List.of(Macs.HMACSHA2256Etm(), Macs.HMACSHA2512Etm(), Macs.HMACSHA2256(),
                Macs.HMACSHA2512()));
        config.setCompressionFactories(List.of(new NoneCompression.Factory()));
        config.setFileKeyProviderFactories(List.of(new OpenSSHKeyV1KeyFile.Factory(), new PKCS8KeyFile.Factory(),
                new OpenSSHKeyFile.Factory()));
        config.setKeyAlgorithms(keys(certificates));
        return config;
    }

    private static List<Factory.Named<KeyAlgorithm>> keys(boolean certificates) {
        var keys = new ArrayList<Factory.Named<KeyAlgorithm>>();
        if (certificates) keys.addAll(List.of(KeyAlgorithms.EdDSA25519CertV01(),
                KeyAlgorithms.ECDSASHANistp256CertV01(),
                KeyAlgorithms.ECDSASHANistp384CertV01(), KeyAlgorithms.ECDSASHANistp521CertV01()));
        keys.addAll(List.of(KeyAlgorithms.EdDSA25519(), KeyAlgorithms.ECDSASHANistp256(),
                KeyAlgorithms.ECDSASHANistp384(),
                KeyAlgorithms.ECDSASHANistp521(), KeyAlgorithms.RSASHA512(), KeyAlgorithms.RSASHA256()));
        return keys;
    }

    /** For a server that has nothing else: of this cipher Java lacks the half that BouncyCastle has. */
    private record Chacha(Factory.Named<Cipher> cipher) implements Factory.Named<Cipher> {
        @Override
        public String getName() {
            return cipher.getName();
        }

        @Override
        public Cipher create() {
            Bouncy.castle();
            return cipher.create();
        }
    }

    /** A class of its own, so that its jar is not opened before it is needed. */
    private static final class Bouncy {
        private static void castle() {
            // behind what Java has
            if (Security.getProvider(BouncyCastleProvider.PROVIDER_NAME) == null)
                Security.addProvider(new BouncyCastleProvider());
        }
    }
}
