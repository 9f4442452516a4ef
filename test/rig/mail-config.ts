import type { Certificates, CheckMode } from './mail-rig.ts'

type Owner = { uid: number; gid: number }

/**
 * Returns the configuration of one Dovecot 2.3 that takes mail with tokens only and hands it on to Postfix.
 *
 * It listens on 127.0.0.2 too: Dovecot takes a connection between equal addresses for secure even without TLS, and shows
 * through 127.0.0.2 what it does on a real network.
 */
export function dovecotConfig(
  mode: CheckMode,
  options: {
    folder: string
    pki: Certificates
    oauthFile: string
    owner: Owner
    mailboxes: string
    mta: number
    ports: { submission: number; submissions: number; lmtp: number; auth: number }
  },
): string {
  const { folder, pki, owner, ports } = options
  return `protocols = submission lmtp
listen = 127.0.0.1, 127.0.0.2
instance_name = keybearer-${mode}
base_dir = ${folder}/run
state_dir = ${folder}/run/state
log_path = ${folder}/log
hostname = mail.rig.test
ssl = required
ssl_cert = <${pki.chain}
ssl_key = <${pki.key}
ssl_min_protocol = TLSv1.2
mail_location = maildir:~/Maildir
first_valid_uid = 500
# The userinfo mode offers XOAUTH2 alone, so that both mechanisms are chosen by what a server offers.
auth_mechanisms = ${mode === 'auth' ? 'xoauth2' : 'xoauth2 oauthbearer'}
auth_username_format = %Lu
auth_failure_delay = 0 secs
mail_max_userip_connections = 100
passdb {
  driver = oauth2
  args = ${options.oauthFile}
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${options.mailboxes}/%Ln allow_all_users=yes
}
namespace inbox {
  inbox = yes
}
submission_relay_host = 127.0.0.1
submission_relay_port = ${options.mta}
submission_relay_trusted = yes
submission_max_mail_size = 20M
service submission-login {
  inet_listener submission {
    port = ${ports.submission}
  }
  inet_listener submissions {
    port = ${ports.submissions}
    ssl = yes
  }
}
# Failures from one address are slowed down otherwise.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  inet_listener {
    port = ${ports.auth}
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${ports.lmtp}
  }
}
`
}

/** Returns how Dovecot checks a token: by introspection, by asking for the user's data with it, or by itself. */
export function oauth2Config(mode: CheckMode, options: { issuer: string; secret: string; caFile: string; keys: string }): string {
  const { host } = new URL(options.issuer)
  switch (mode) {
    case 'post':
      return `introspection_mode = post
introspection_url = https://dovecot:${options.secret}@${host}/token/introspection
force_introspection = yes
username_attribute = email
active_attribute = active
active_value = true
scope = smtp.send
tls_ca_cert_file = ${options.caFile}
timeout_msecs = 4000
`
    case 'auth':
      return `introspection_mode = auth
introspection_url = https://${host}/me
force_introspection = yes
username_attribute = email
tls_ca_cert_file = ${options.caFile}
timeout_msecs = 4000
`
    case 'local':
      return `introspection_mode = local
local_validation_key_dict = fs:posix:prefix=${options.keys}/
issuers = ${options.issuer}
username_attribute = email
scope = smtp.send
`
  }
}

/** Returns the main configuration of a Postfix that delivers for rig.test and sends nothing anywhere else. */
export function postfixMain(options: { home: string; state: string; etc: string; owner: Owner; mailboxes: string; authPort: number }): string {
  return `compatibility_level = 3.6
queue_directory = ${options.home}/queue
data_directory = ${options.home}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${options.state}/postfix.log
maillog_file_prefixes = ${options.state}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.rig.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = rig.test
virtual_mailbox_base = ${options.mailboxes}
virtual_mailbox_maps = texthash:${options.etc}/mailboxes
virtual_uid_maps = static:${options.owner.uid}
virtual_gid_maps = static:${options.owner.gid}
virtual_minimum_uid = 500
message_size_limit = 20971520
smtpd_authorized_xclient_hosts = 127.0.0.1
# Dovecot says by XCLIENT who logged in: whoever sends as somebody else gets 553.
smtpd_sender_login_maps = texthash:${options.etc}/senders
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${options.authPort}
smtpd_tls_security_level = none
smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
default_transport = error:5.7.1 nothing leaves this machine
relay_transport = error:5.7.1 nothing leaves this machine
smtpd_delay_reject = yes
smtp_dns_support_level = disabled
disable_dns_lookups = yes
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
in_flow_delay = 0
`
}

export function postfixMaster(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
`
}
