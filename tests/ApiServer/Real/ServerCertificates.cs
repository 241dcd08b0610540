using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ApiServer;

/// <summary>A certificate authority that lives for a day, and a certificate of it for a server on the loopback interface.</summary>
internal sealed class ServerCertificates : IDisposable
{
    private readonly RSA _authorityKey = RSA.Create(2048);
    private readonly RSA _serverKey = RSA.Create(2048);
    private readonly X509Certificate2 _server;

    public ServerCertificates()
    {
        DateTimeOffset from = DateTimeOffset.UtcNow.AddMinutes(-5);
        CertificateRequest authority = Request("CN=test authority", _authorityKey);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authority.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature, true));
        Authority = authority.CreateSelfSigned(from, from.AddDays(1));

        CertificateRequest server = Request("CN=kube-apiserver", _serverKey);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        server.CertificateExtensions.Add(names.Build());
        server.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        // Server authentication.
        server.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        _server = server.Create(Authority, from, from.AddDays(1), RandomNumberGenerator.GetBytes(8));
    }

    /// <summary>The authority's certificate; clients trust it.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>The server's certificate and key, each in PEM.</summary>
    public (string Certificate, string Key) Server => (_server.ExportCertificatePem(), _serverKey.ExportPkcs8PrivateKeyPem());

    public void Dispose()
    {
        _server.Dispose();
        Authority.Dispose();
        _serverKey.Dispose();
        _authorityKey.Dispose();
    }

    private static CertificateRequest Request(string name, RSA key) => new(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
}
