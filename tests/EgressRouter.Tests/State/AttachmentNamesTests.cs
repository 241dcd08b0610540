using EgressRouter.State;

namespace EgressRouter.Tests.State;

public class AttachmentNamesTests
{
    [Fact]
    public void Usual_interface_names_have_marks_and_tables_of_their_own()
    {
        AttachmentNames[] all = [.. Enumerable.Range(0, 256).Select(i => new AttachmentNames($"net{i}")), .. Enumerable.Range(0, 16)
            .Select(i => new AttachmentNames($"eth{i}")), new("macvlan0")];
        uint[] tables = [.. all.SelectMany(names => new[] { names.EgressTable, names.ReturnTable })];
        Assert.Equal(tables.Length, tables.Distinct().Count());
        // Tables 253 to 255 are the kernel's, and a mark holds sixteen bits of the table number.
        Assert.All(tables, table => Assert.InRange(table, 256u, 65535u));
        Assert.All(all, names => Assert.Equal((names.EgressTable << 16, names.ReturnTable << 16), (names.EgressMark, names.ReturnMark)));
    }

    [Fact]
    public void The_numbers_never_change_between_releases()
    {
        // A newer plugin must find an older one's objects.
        var names = new AttachmentNames("net1");
        Assert.Equal(("egress-router-net1", 15841u, 15842u, "egress-f78"),
            (names.NetFilterTable, names.EgressTable, names.ReturnTable, names.TemporaryInterface));
        Assert.Equal("net1", AttachmentNames.InterfaceOfTable(names.NetFilterTable));
        Assert.Null(AttachmentNames.InterfaceOfTable("filter"));
    }

    /// <summary>A privileged process in the pod may create tables of any name.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("../../x")]
    [InlineData("\e[31mnet1")]
    [InlineData("net1 net2")]
    [InlineData("a-name-of-16-byt")]
    public void A_table_that_is_named_after_no_possible_link_is_not_ours(string name) =>
        Assert.Null(AttachmentNames.InterfaceOfTable("egress-router-" + name));
}
