using YamlDotNet.RepresentationModel;

namespace SystemTests.Tools;

/// <summary>What <c>convert</c> prints is read back as the strings that it read, and commands no terminal.</summary>
public class ConvertedTextTests
{
    private const string Odd = "a\tb\u202ec\ufeffd\u200be\u001b[31mf\u0085g\U000e0041h\"i\\j\u2028k'l";

    [Theory]
    [InlineData("\"a\\tb\\u202Ec\\uFEFFd\\u200Be\\e[31mf\\Ng\\U000E0041h\\\"i\\\\j\\Lk'l\"", Odd)]
    [InlineData("'a\tb\u202e it''s'", "a\tb\u202e it's")]
    [InlineData("\"a\\r\\nb\\r\\n\"", "a\r\nb\r\n")]
    [InlineData("|\n    \tfirst\n    a\u200b\tb\n\n    c\n", "\tfirst\na\u200b\tb\n\nc\n")]
    [InlineData("|-\n    a\tb\n    c", "a\tb\nc")]
    [InlineData("|+\n    a\n\n", "a\n\n\n")]
    [InlineData(">\n    a\tb\n    c\n\n    d\n", "a\tb c\nd\n")]
    [InlineData("plain \u0645 text\ttab", "plain \u0645 text\ttab")]
    [InlineData("\"\ud83d\ude00\"", "\ud83d\ude00")]
    public void A_member_of_a_pod(string yaml, string expected)
    {
        yaml = yaml.Replace("\n    ", "\n" + new string(' ', 12), StringComparison.Ordinal);
        string pod = $"""
            metadata:
              name: r
              annotations:
                example.com/text: {yaml}
            spec:
              volumes:
              - name: {yaml}
              containers:
              - name: router
                env:
                - name: EGRESS_SOURCE
                  value: 192.168.12.99
                - name: EGRESS_GATEWAY
                  value: 192.168.12.1
                - name: EGRESS_DESTINATION
                  value: 203.0.113.25
              - name: other
                args:
                - {yaml}
                - end
            """;
        YamlNode deployment = Converted(pod, "convert", "-")[1].RootNode;
        Assert.Equal(expected, Text(deployment["spec"]["template"]["metadata"]["annotations"]["example.com/text"]));
        YamlNode spec = deployment["spec"]["template"]["spec"];
        Assert.Equal(expected, Text(spec["containers"][0]["args"][0]));
        Assert.Equal(expected, Text(spec["volumes"][0]["name"]));
    }

    [Theory]
    [InlineData("http-proxy", "EGRESS_HTTP_PROXY_DESTINATION", "a.example.com\t80\n*.example.com 443")]
    [InlineData("http-proxy", "EGRESS_HTTP_PROXY_DESTINATION", "# \u202e\ufeff\u200b \U000e0041 \\u0041\r\n  a.example.com\t\r\n\n*")]
    [InlineData("dns-proxy", "EGRESS_DNS_PROXY_DESTINATION", "80\tdb.example.com\n# \u001b[31m\n81 \\\n203.0.113.25\n\n")]
    public void A_list_of_a_proxy(string mode, string variable, string list)
    {
        string pod = $$"""
            {"metadata": {"name": "r"}, "spec": {"containers": [{"name": "r", "env": [
              {"name": "EGRESS_SOURCE", "value": "192.168.12.99"}, {"name": "EGRESS_GATEWAY", "value": "192.168.12.1"},
              {"name": "EGRESS_ROUTER_MODE", "value": "{{mode}}"}, {"name": "{{variable}}", "value": {{System.Text.Json.JsonSerializer.Serialize(list)}}}]}]} }
            """;
        Assert.Equal(list, ListIn(Converted(pod, "convert", "-"), variable));

        // The lines of a file end as its writer's system has them.
        string text = list.Replace("\r\n", "\n", StringComparison.Ordinal);
        string environment =
            $"EGRESS_SOURCE=192.168.12.99\r\nEGRESS_GATEWAY=192.168.12.1\r\nEGRESS_ROUTER_MODE={mode}\r\n{variable}='{list}'\r\n";
        Assert.Equal(text, ListIn(Converted(environment, "convert", "--from-env", "-"), variable));
    }

    private static string ListIn(IList<YamlDocument> documents, string variable)
    {
        YamlNode given = documents[1].RootNode["spec"]["template"]["spec"]["containers"][0]["env"][0];
        Assert.Equal(variable, Text(given["name"]));
        return Text(given["value"]);
    }

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;

    private static IList<YamlDocument> Converted(string original, params string[] arguments)
    {
        CommandResult result = Tool.Run(original, arguments);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.DoesNotContain(
            result.Stdout, letter => (char.IsControl(letter) && letter != '\n') || letter is '\u202e' or '\ufeff' or '\u200b' or '\u2028');
        var stream = new YamlStream();
        stream.Load(new StringReader(result.Stdout));
        Assert.Equal(3, stream.Documents.Count);
        return stream.Documents;
    }
}
