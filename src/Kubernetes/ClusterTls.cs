using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;

namespace Kubernetes;

/// <summary>Who the API server must be, and who this client is, by certificates.</summary>
internal static class ClusterTls
{
    public static SslClientAuthenticationOptions Options(KubernetesClientConfiguration configuration)
    {
        var options = new SslClientAuthenticationOptions
        {
            ClientCertificates = [],
        };
        if (ClientCertificate(configuration) is X509Certificate2 certificate)
        {
            options.ClientCertificates.Add(certificate);
        }

        if (configuration.SkipTlsVerify)
        {
#pragma warning disable CA5359 // The user's kubeconfig says insecure-skip-tls-verify.
            options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (configuration.SslCaCerts is X509Certificate2Collection authorities)
        {
            // Not the callback of KubernetesClient: it accepts a certificate of the cluster's authority for any other name.
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        return options;
    }

    private static X509Certificate2? ClientCertificate(KubernetesClientConfiguration configuration)
    {
        string? certificate = Pem(configuration.ClientCertificateData, configuration.ClientCertificateFilePath);
        string? key = Pem(configuration.ClientCertificateKeyData, configuration.ClientKeyFilePath);
        return certificate is null || key is null ? null : X509Certificate2.CreateFromPem(certificate, key);

        static string? Pem(string? data, string? file) =>
            !string.IsNullOrEmpty(data) ? Encoding.ASCII.GetString(Convert.FromBase64String(data))
            : !string.IsNullOrEmpty(file) ? File.ReadAllText(file)
            : null;
    }
}
