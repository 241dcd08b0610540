using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SystemTests.Operator;

/// <summary>A certificate authority.</summary>
internal sealed class Authority : IDisposable
{
    public const string Name = "CN=test authority";

    private const string ForServers = "1.3.6.1.5.5.7.3.1";
    private const string ForClients = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 _certificate;

    public Authority(string name = Name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow.AddYears(1));
    }

    /// <summary>What clients trust, in PEM.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>A server's certificate, with its key.</summary>
    /// <param name="names">Addresses, and names of hosts.</param>
    /// <param name="end">Until when it is valid.</param>
    public X509Certificate2 Server(string[] names, DateTimeOffset end)
    {
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out IPAddress? address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        return Issue("CN=server", end, new X509EnhancedKeyUsageExtension([new Oid(ForServers)], false), alternatives.Build());
    }

    /// <summary>A client's certificate, with its key.</summary>
    public X509Certificate2 Client(string subject) =>
        Issue(subject, DateTimeOffset.UtcNow.AddDays(1), new X509EnhancedKeyUsageExtension([new Oid(ForClients)], false));

    public void Dispose() => _certificate.Dispose();

    private X509Certificate2 Issue(string subject, DateTimeOffset end, params ReadOnlySpan<X509Extension> extensions)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        foreach (X509Extension extension in extensions)
        {
            request.CertificateExtensions.Add(extension);
        }

        using X509Certificate2 certificate = request.Create(
            _certificate, DateTimeOffset.UtcNow.AddMonths(-1), end, RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }
}
