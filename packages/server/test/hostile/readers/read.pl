# Perl's own JSON::PP on a list of base64 bodies: what each says, or null where it is refused.
use strict;
use warnings;
use JSON::PP;
use MIME::Base64;

local $/;
my $json = JSON::PP->new->utf8->allow_nonref->max_depth(512);
my @said = map { read_body(decode_base64($_)) } @{ $json->decode(scalar <STDIN>) };
print $json->encode(\@said);

sub read_body {
    my ($body) = @_;
    my $value = eval { $json->decode($body) };
    return undef if $@;
    return { models => [], limits => [] } if ref $value ne 'HASH';
    my @models = ($value->{model});
    push @models, map { ref $_ eq 'HASH' ? $_->{model} : undef } @{ $value->{tools} } if ref $value->{tools} eq 'ARRAY';
    push @models, $value->{moderation}{model} if ref $value->{moderation} eq 'HASH';
    my @limits = map { $value->{$_} } qw(max_tokens max_completion_tokens n);
    return { models => [ grep { defined } @models ], limits => [ grep { defined } @limits ] };
}
