VACUUM account;
