namespace easyjwt {}
